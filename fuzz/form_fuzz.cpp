// A Content-Type, a line feed, and a body: whatever the bytes, the model's name is where the call says it is, and the
// changed body is understood as the same call with the other name; in pieces a form is the same as in one.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/form.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intragate;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view type = text.substr(0, line);
  const std::string body{text.substr(std::min(line + 1, text.size()))};
  const Result<llm::Call> call = dialect::form::understand(type, body);
  Result<dialect::form::Reader> reader = dialect::form::Reader::of(type);
  bool good = static_cast<bool>(reader);
  for (std::size_t at = 0, step = 1; good && at < body.size(); at += step, step = step % 7 + 1) {
    good = static_cast<bool>(reader->take(std::string_view{body}.substr(at, step)));
  }
  good = good && reader->end();
  fuzz::require(good == static_cast<bool>(call), "pieces are read like the whole");
  if (!call) return 0;
  fuzz::require(reader->call().model == call->model && reader->call().stream == call->stream, "and say the same");
  const llm::Span at = call->model_value;
  fuzz::require(body.substr(at.offset, at.length) == call->model, "the name is where it is said to be");
  const llm::Edits edits = dialect::form::edits(*call, "other-name");
  if (edits.count == 0) return 0;
  std::string changed = body;
  changed.replace(at.offset, at.length, edits.list[0].text);
  const Result<llm::Call> again = dialect::form::understand(type, changed);
  fuzz::require(again && again->model == "other-name" && again->stream == call->stream,
                "a change changes the name alone");
  return 0;
}
