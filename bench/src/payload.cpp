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

std::string frame(const std::string& user_text, const std::string& tools, Reply reply) {
  std::string out = R"({"model":"bench","stream":)";
  out += reply == Reply::stream ? "true" : "false";
  out += R"(,"temperature":0.7,"max_tokens":512,"messages":[)"
         R"({"role":"system","content":"You are a helpful assistant."},{"role":"user","content":")";
  out += user_text + R"("}])";
  if (!tools.empty()) out += R"(,"tool_choice":"auto","tools":[)" + tools + ']';
  out += ',';
  out += kBodyEnd;
  return out + '}';
}

}  // namespace

std::optional<Content> content_named(const std::string& name) {
  if (name == "text") return Content::text;
  if (name == "chinese") return Content::chinese;
  if (name == "tools") return Content::tools;
  return std::nullopt;
}

std::string chat_body(std::size_t bytes, Content content, Reply reply) {
  Sequence sequence;
  std::string tools;
  if (content == Content::tools) tools = tool_list(sequence, bytes - (bytes > 300 ? 300 : bytes));
  const std::size_t used = frame("", tools, reply).size();
  const std::size_t room = bytes > used ? bytes - used : 0;
  std::string text = content == Content::chinese ? chinese_text(sequence, room) : word_text(sequence, room);
  text.append(room > text.size() ? room - text.size() : 0, '.');
  return frame(text, tools, reply);
}

std::string http_request(const std::string& host, const std::string& key, const std::string& extra_headers,
                         const std::string& body) {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
         "Connection: keep-alive\r\nContent-Type: application/json\r\nAuthorization: Bearer " +
         key + "\r\n" + extra_headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace intragate::bench
