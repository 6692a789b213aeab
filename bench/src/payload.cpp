#include "payload.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "answers.h"

namespace intragate::bench {
namespace {

// A fixed sequence of pseudo-random numbers (Knuth's 64-bit multiplier), so that every run sends the same bytes.
class Sequence {
 public:
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(state_ >> 33);
  }

 private:
  std::uint64_t state_ = 42;
};

constexpr std::array<std::string_view, 16> kWords = {"the",    "gateway", "passes", "a",     "question", "from",
                                                     "one",    "person",  "to",     "their", "model",    "and",
                                                     "brings", "back",    "every",  "answer"};

std::string word_text(Sequence& sequence, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) {
    const std::uint32_t dice = sequence.next();
    out += kWords[dice % kWords.size()];
    if (dice % 97 == 0) {
      out += "\\n";
    } else if (dice % 53 == 0) {
      out += " \\\"quoted\\\"";
    }
    out += ' ';
  }
  out.resize(bytes > 12 ? bytes - 12 : 0);
  while (!out.empty() && out.back() == '\\') out.pop_back();
  return out;
}

std::string chinese_text(Sequence& sequence, std::size_t bytes) {
  std::string out;
  std::array<char, 8> escape{};
  while (out.size() + 6 <= bytes) {
    std::snprintf(escape.data(), escape.size(), "\\u%04x", 0x4e00 + sequence.next() % 0x5000);
    out.append(escape.data(), 6);
  }
  return out;
}

std::string tool_list(Sequence& sequence, std::size_t bytes) {
  std::string out;
  for (unsigned number = 0; out.size() + 700 < bytes; ++number) {
    if (number > 0) out += ',';
    out += R"({"type":"function","function":{"name":"look_up_)" + std::to_string(number) +
           R"(","description":"Looks up )" + word_text(sequence, 60) +
           R"(","strict":true,"parameters":{"type":"object","properties":{)"
           R"("city":{"type":"string","description":"where"},"days":{"type":"integer","minimum":1,"maximum":14},)"
           R"("unit":{"type":"string","enum":["celsius","fahrenheit"]},)"
           R"("points":{"type":"array","items":{"type":"array","items":{"type":"number"},"minItems":2,"maxItems":2}}},)"
           R"("required":["city","days"],"additionalProperties":false}}})";
  }
  return out;
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

// Everything but the user's text, which goes between the two.
struct Frame {
  std::string before;
  std::string after;
};

Frame frame_of(const Ask& ask, const std::string& tools) {
  const std::string start =
      "{\"model\":" + quoted(ask.model) + ",\"stream\":" + (ask.reply == Reply::stream ? "true" : "false");
  const std::string end = ',' + std::string(kBodyEnd) + '}';
  if (ask.api == Api::responses) return {start + R"(,"temperature":0.7,"max_output_tokens":512,"input":")", '"' + end};
  std::string before = start + R"(,"temperature":0.7,"max_tokens":512,"messages":[)";
  if (ask.api == Api::chat) before += R"({"role":"system","content":"You are a helpful assistant."},)";
  before += R"({"role":"user","content":")";
  std::string after = R"("}])";
  if (ask.api == Api::messages) return {before, after + '}'};  // it knows no `user`
  if (!tools.empty()) after += R"(,"tool_choice":"auto","tools":[)" + tools + ']';
  return {before, after + end};
}

constexpr std::string_view path_of(Api api) {
  if (api == Api::messages) return "/v1/messages";
  return api == Api::responses ? "/v1/responses" : "/v1/chat/completions";
}

}  // namespace

std::optional<Content> content_named(const std::string& name) {
  if (name == "text") return Content::text;
  if (name == "chinese") return Content::chinese;
  if (name == "tools") return Content::tools;
  return std::nullopt;
}

std::optional<Api> api_named(const std::string& name) {
  if (name == "chat") return Api::chat;
  if (name == "messages") return Api::messages;
  if (name == "responses") return Api::responses;
  return std::nullopt;
}

std::string body_of(const Ask& ask) {
  Sequence sequence;
  std::string tools;
  if (ask.content == Content::tools) tools = tool_list(sequence, ask.bytes - (ask.bytes > 300 ? 300 : ask.bytes));
  const Frame frame = frame_of(ask, tools);
  const std::size_t used = frame.before.size() + frame.after.size();
  const std::size_t room = ask.bytes > used ? ask.bytes - used : 0;
  std::string text = ask.content == Content::chinese ? chinese_text(sequence, room) : word_text(sequence, room);
  text.append(room > text.size() ? room - text.size() : 0, '.');
  return frame.before + text + frame.after;
}

std::string http_request(Api api, const Envelope& envelope, const std::string& body) {
  return "POST " + std::string(path_of(api)) + " HTTP/1.1\r\nHost: " + envelope.host +
         "\r\nUser-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
         "Connection: keep-alive\r\nContent-Type: application/json\r\nAuthorization: Bearer " +
         envelope.key + "\r\n" + envelope.headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace intragate::bench
