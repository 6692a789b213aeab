#include "answers.h"

namespace intragate::bench {
namespace {

constexpr std::size_t kAnswerText = 700;

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

}  // namespace intragate::bench
