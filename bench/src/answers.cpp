#include "answers.h"

#include <array>
#include <charconv>

namespace intragate::bench {
namespace {

constexpr std::string_view kEventBefore =
    R"(data: {"id":"chatcmpl-6f1d2c3b4a59687","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"bench-model-7b","choices":[{"index":0,"delta":{"content":"#)";
constexpr std::string_view kEventAfter = R"( "},"logprobs":null,"finish_reason":null}]})"
                                         "\n\n";
constexpr std::string_view kLastAfter = R"( "},"logprobs":null,"finish_reason":"stop"}]})"
                                        "\n\n";
constexpr std::string_view kUsage =
    R"(data: {"id":"chatcmpl-6f1d2c3b4a59687","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"bench-model-7b","choices":[],"usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}})"
    "\n\n";
constexpr std::string_view kDone = "data: [DONE]\n\n";
constexpr std::size_t kAnswerText = 700;

void append_chunk_size(std::string& out, std::size_t size) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  out.append(digits.data(), end);
  out.append("\r\n");
}

void append_chunk(std::string& out, std::string_view bytes) {
  append_chunk_size(out, bytes.size());
  out.append(bytes);
  out.append("\r\n");
}

}  // namespace

std::string whole_answer(int status, std::string_view body) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Refused");
  out += "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out += body;
  return out;
}

std::string completion_body() {
  constexpr std::string_view sentence = "The gateway passes every byte of this sentence on. ";
  std::string text;
  while (text.size() < kAnswerText) text += sentence;
  return R"({"id":"chatcmpl-6f1d2c3b4a59687","object":"chat.completion","created":1700000000,"model":"bench-model-7b",)"
         R"("choices":[{"index":0,"message":{"role":"assistant","content":")" +
         text +
         R"("},"logprobs":null,"finish_reason":"stop"}],)"
         R"("usage":{"prompt_tokens":200,"completion_tokens":150,"total_tokens":350}})";
}

std::string models_body() {
  return R"({"object":"list","data":[)"
         R"({"id":"bench-model-7b","object":"model","created":1700000000,"owned_by":"bench"}]})";
}

void append_event(std::string& out, std::uint64_t number, Place place) {
  const std::string_view after = place == Place::last ? kLastAfter : kEventAfter;
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  append_chunk_size(out, kEventBefore.size() + text.size() + after.size());
  out.append(kEventBefore);
  out.append(text);
  out.append(after);
  out.append("\r\n");
}

void append_usage(std::string& out) {
  append_chunk(out, kUsage);
}

void append_done(std::string& out) {
  append_chunk(out, kDone);
  out.append("0\r\n\r\n");
}

}  // namespace intragate::bench
