// The mender: what was JSON stays JSON, what is mended needs no second mending, and a refusal becomes an error object
// of OpenAI's. Input: the first byte chooses the API and between stream, whole answer and refusal, the rest is what the
// model says, an event a line.
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/openai_mend.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using dialect::openai::Mender;
using fuzz::require;

bool is_object(std::string_view text) {
  static simdjson::dom::parser parser;
  const simdjson::padded_string padded{text};
  simdjson::dom::element element;
  return parser.parse(padded).get(element) == simdjson::SUCCESS && element.is_object();
}

Mender mender_of(llm::Api api) {
  return Mender{{.api = api, .id = "id", .created = 1, .model = "m"}};
}

void check_stream(llm::Api api, std::string_view lines) {
  Mender first = mender_of(api);
  Mender second = mender_of(api);
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const bool whole = is_object(line);
    const std::string mended{first.mend_event(line)};
    if (!whole || mended.empty()) continue;
    require(is_object(mended), "an event that was JSON stays JSON");
    const std::string again{second.mend_event(mended)};
    require(again.empty() || is_object(again), "and so it does the second time");
  }
  const std::string end = first.missing_end();
  require(end.empty() || is_object(end), "the end that was missing is JSON");
  require(first.finished() || !end.empty() || first.missing_end().empty(), "an end is made once");
}

void check_answer(llm::Api api, std::string_view body) {
  const bool whole = is_object(body);
  Mender mender = mender_of(api);
  const std::string mended{mender.mend_answer(body, 7)};
  if (!whole) return;
  require(is_object(mended), "an answer that was JSON stays JSON");
  Mender second = mender_of(api);
  require(second.mend_answer(mended, 7) == mended, "what is mended needs no mending");
}

void check_refusal(std::string_view body) {
  const std::optional<std::string> mended = dialect::openai::mend_refusal(400, body);
  if (!mended) return;
  require(is_object(*mended) && mended->size() < 1024, "a refusal is JSON of less than 1 KB");
  require(!dialect::openai::mend_refusal(400, *mended), "and an error object of OpenAI's");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const llm::Api api = data[0] % 2 == 0 ? llm::Api::chat : llm::Api::completions;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] / 2 % 3) {
    case 0: check_stream(api, bytes); break;
    case 1: check_answer(api, bytes); break;
    default: check_refusal(bytes); break;
  }
  return 0;
}
