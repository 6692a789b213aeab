// Embeddings: a part of a request is a request; answers, joined, are one answer in the wanted form, which read again
// says the same; and one that is mended stays JSON and needs no second mending. Input: the first byte chooses the form,
// the rest are a request or answers, one a line.
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/embeddings.h"
#include "dialect/openai.h"
#include "dialect/openai_mend.h"
#include "fuzz/json_judge.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using dialect::embeddings::Collection;
using fuzz::is_object;
using fuzz::require;

void check_request(const std::string& body) {
  const Result<llm::Call> call = dialect::openai::understand(llm::Api::embeddings, body);
  if (!call) return;
  (void)dialect::embeddings::wanted(body);
  const std::vector<llm::Span> inputs = dialect::embeddings::find_inputs(*call, body);
  if (inputs.empty() || !is_object(body)) return;
  const std::size_t half = (inputs.size() + 1) / 2;
  const std::string part = dialect::embeddings::part_of(*call, body, std::span{inputs}.first(half));
  const Result<llm::Call> again = dialect::openai::understand(llm::Api::embeddings, part);
  require(is_object(part) && again, "a part of a request is a request");
  require(again->model == call->model, "of the same model");
  require(dialect::embeddings::find_inputs(*again, part).size() == half, "with as many inputs");
}

void check_answers(dialect::embeddings::Form form, std::string_view lines) {
  Collection all{form};
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    (void)dialect::embeddings::differs(line, form);
    if (!all.add(line, 0)) return;
    if (!is_object(line)) return;
  }
  const std::string joined = all.answer({});
  require(is_object(joined), "answers, joined, are JSON");
  Collection once{form};
  require(static_cast<bool>(once.add(joined, 0)), "which can be read");
  require(once.bytes() == all.bytes() && once.answer({}) == joined, "and says the same");
  require(!dialect::embeddings::differs(joined, form), "in the wanted form");
}

void check_mending(std::string_view body) {
  const dialect::openai::AnswerName name{llm::Api::embeddings, "id", 1, "m"};
  dialect::openai::Mender mender{name};
  const std::string mended{mender.mend_embeddings(body, 7)};
  if (!is_object(body)) return;
  require(is_object(mended), "an answer that was JSON stays JSON");
  dialect::openai::Mender second{name};
  require(second.mend_embeddings(mended, 7) == mended, "what is mended needs no mending");
  (void)dialect::openai::is_usual_list(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using dialect::embeddings::Form;
  const std::string bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  check_request(bytes);
  check_answers(data[0] % 2 == 0 ? Form::numbers : Form::base64, bytes);
  check_mending(bytes.substr(0, bytes.find('\n')));
  return 0;
}
