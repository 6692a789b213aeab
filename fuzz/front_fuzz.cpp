// APIs laid over chat: whatever a client asks becomes one JSON object for the model or is refused; whatever the model
// says, in whatever pieces it comes, becomes the same events, each of one line and JSON. Input: the first byte chooses
// the API (its highest bit: completions) and the cut, up to the first line feed stands the request, what follows are
// the bytes of the model.
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/front.h"
#include "dialect/front_stream.h"
#include "dialect/openai_delta.h"
#include "dialect/text_completion.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using fuzz::require;

bool is_json(std::string_view text) {
  static simdjson::dom::parser parser;
  simdjson::dom::element element;
  return parser.parse(simdjson::padded_string{text}).get(element) == simdjson::SUCCESS;
}

std::unique_ptr<dialect::Front> asked(llm::Api api, std::string_view request, std::string* chat = nullptr) {
  std::unique_ptr<dialect::Front> front =
      api == llm::Api::completions ? dialect::text_completion::make_front() : dialect::front_of(api);
  const Result<std::string> made = front->request(request);
  if (made && chat != nullptr) *chat = *made;
  front->begin({llm::Api::chat, "id", 1, "m"}, 7);
  return front;
}

std::string replay(dialect::Front& front, std::string_view bytes, std::size_t stride) {
  dialect::FrontStream stream{front};
  std::string said;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(stride, bytes.size()))) {
    stream.take(bytes.substr(0, stride), said);
  }
  stream.finish(said);
  return said;
}

// `named`: whether each has a line with its name.
void check_blocks(std::string_view said, bool named) {
  while (!said.empty()) {
    const std::size_t end = said.find("\n\n");
    require(end != std::string_view::npos, "a block ends with a blank line");
    const std::string_view block = said.substr(0, end);
    said.remove_prefix(end + 2);
    if (block.starts_with(':')) continue;
    const std::size_t line = block.find('\n');
    require(!named || (block.starts_with("event: ") && line != std::string_view::npos), "an event has a name");
    const std::string_view data = named ? block.substr(line + 1) : block;
    require(data.starts_with("data: ") && data.find('\n') == std::string_view::npos, "its data are one line");
    require(is_json(data.substr(6)) || (!named && data == "data: [DONE]"), "and JSON");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const llm::Api laid = (data[0] & 1U) == 0 ? llm::Api::messages : llm::Api::responses;
  const llm::Api api = (data[0] & 0x80U) != 0 ? llm::Api::completions : laid;
  const std::size_t stride = 1U + (data[0] >> 1U) % 64U;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::string_view request = text.substr(0, text.find('\n'));
  const std::string_view bytes = text.substr(std::min(text.size(), request.size() + 1));
  std::string chat;
  const std::unique_ptr<dialect::Front> front = asked(api, request, &chat);
  if (!chat.empty() && is_json(request)) require(is_json(chat), "what is asked in JSON is asked of the model in JSON");
  const std::string whole = replay(*front, bytes, bytes.size() + 1);
  require(replay(*asked(api, request), bytes, stride) == whole, "any cut is the same");
  check_blocks(whole, api != llm::Api::completions);
  llm::Delta said;
  dialect::openai::read_answer(bytes, said);
  require(is_json(asked(api, request)->answer(said)), "an answer is JSON");
  const std::string words = dialect::openai::read_refusal(bytes);
  const std::string refusal = front->error(dialect::told_by_model(400, words), "id");
  require(is_json(refusal) && refusal.size() < 1024, "a refusal is JSON of less than 1 KB");
  return 0;
}
