// An answer that goes on elsewhere. The first line is a request, each other one an event of the answer or of its rest.
// Where all are JSON, so are the request for the rest, which has the text so far at its end, and the events as the
// client gets them.
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/openai.h"
#include "dialect/openai_continue.h"
#include "fuzz/require.h"

namespace {

namespace openai = intragate::dialect::openai;
namespace llm = intragate::llm;
namespace dom = simdjson::dom;
using fuzz::require;

bool is_json(std::string_view text) {
  dom::parser parser;
  dom::object object;
  return !text.empty() && parser.parse(text.data(), text.size()).get(object) == simdjson::SUCCESS;
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// What the rest's request ends its conversation or its prompt with.
std::optional<std::string> last_text(llm::Api api, const std::string& body) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) return std::nullopt;
  std::string_view text;
  if (api == llm::Api::completions) {
    if (root["prompt"].get(text) != simdjson::SUCCESS) return std::nullopt;
    return std::string{text};
  }
  dom::array messages;
  if (root["messages"].get(messages) != simdjson::SUCCESS || messages.size() == 0) return std::nullopt;
  if (messages.at(messages.size() - 1)["content"].get(text) != simdjson::SUCCESS) return std::nullopt;
  return std::string{text};
}

void check_request(llm::Api api, std::string_view body, const std::string& text, bool clean) {
  const auto call = openai::understand(api, body);
  if (!call) return;
  constexpr std::uint64_t kGiven = 3;
  const std::optional<std::string> rest = openai::ask_for_rest(*call, body, text, kGiven);
  if (!rest) return;
  const auto again = openai::understand(api, *rest);
  require(again && again->model == call->model && again->user == call->user, "the rest is asked of the same model");
  require(again->stream == call->stream && again->usage == call->usage, "in the same way");
  require(!call->max_tokens || (again->max_tokens && *again->max_tokens == *call->max_tokens - kGiven), "fewer tokens");
  if (!clean || !is_json(body)) return;
  require(is_json(*rest), "JSON stays JSON");
  dom::parser parser;
  dom::element said;
  const std::string quoted = '"' + text + '"';
  if (parser.parse(quoted).get(said) != simdjson::SUCCESS) return;
  const std::string plain{said.get_string().value()};
  const std::optional<std::string> last = last_text(api, *rest);
  if (last) require(last->ends_with(plain), "the text so far stands at the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  if (input.empty()) return 0;
  const llm::Api api = input.front() == '.' ? llm::Api::completions : llm::Api::chat;
  if (input.front() == '.') input.remove_prefix(1);
  const std::string_view body = next_line(input);
  openai::Transcript transcript{api};
  bool clean = true;
  while (!input.empty()) {
    const std::string_view event = next_line(input);
    const bool json = is_json(event);
    clean = clean && (json || event == "[DONE]");
    transcript.add(event);
    const std::string joined = transcript.as_one_of_this(event, 3);
    require(joined.find_first_of("\r\n") == std::string::npos, "an event is one line");
    if (clean && json && !joined.empty()) require(is_json(joined), "an event stays JSON");
  }
  require(transcript.possible() || transcript.text().empty(), "what cannot go on keeps nothing");
  if (transcript.possible()) check_request(api, body, transcript.text(), clean);
  return 0;
}
