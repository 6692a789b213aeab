#include "forms.h"

#include <array>
#include <charconv>

namespace intragate::bench {
namespace {

constexpr std::string_view kSse = "text/event-stream; charset=utf-8";
constexpr std::string_view kLines = "application/x-ndjson";

// What OpenAI's events have in common.
#define IG_ID R"("id":"chatcmpl-6f1d2c3b4a59687",)"
#define IG_REST R"("created":1700000000,"model":"bench-model-7b",)"
#define IG_CHUNK R"("object":"chat.completion.chunk",)"
#define IG_HEAD R"(data: {)" IG_ID IG_CHUNK IG_REST
#define IG_TEXT R"("choices":[{"index":0,"delta":{"content":"#)"
#define IG_MORE R"( "},"logprobs":null,"finish_reason":null}]})"
#define IG_STOP R"( "},"logprobs":null,"finish_reason":"stop"}]})"
#define IG_TOOL_MORE R"( "}}]},"finish_reason":null}]})"
#define IG_TOOL_STOP R"( "}}]},"finish_reason":"tool_calls"}]})"
#define IG_BLANK "\n\n"

constexpr std::string_view kDone = "data: [DONE]" IG_BLANK;
constexpr std::string_view kMore = IG_MORE IG_BLANK;
constexpr std::string_view kStop = IG_STOP IG_BLANK;
constexpr std::string_view kUsage =
    IG_HEAD R"("choices":[],"usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}})" IG_BLANK;

// The first target that fits; the last one fits all.
constexpr auto kForms = std::to_array<Form>({
    {"/api/chat", kLines,
     R"({"model":"bench-model:7b","created_at":"2025-09-25T07:30:00.123456789Z","message":{"role":"assistant","content":"#)",
     R"( "},"done":false})"
     "\n",
     R"( "},"done":true,"done_reason":"stop","total_duration":4883583458,"load_duration":1334875,"prompt_eval_count":200,)"
     R"("prompt_eval_duration":342546000,"eval_count":100,"eval_duration":4535599000})"
     "\n"},
    {"/generate_stream",
     kSse,
     R"(data:{"index":7,"token":{"id":8432,"text":"#)",
     R"( ","logprob":-0.28271484,"special":false},"generated_text":null,"details":null})" IG_BLANK,
     R"( ","logprob":-0.28271484,"special":false},"generated_text":"All of it.","details":{"finish_reason":"eos_token",)"
     R"("generated_tokens":100,"input_length":200,"seed":null}})" IG_BLANK,
     {},
     {},
     {},
     true},
    {"/v2/models/",
     kSse,
     R"(data: {"context_logits":0.0,"cum_log_probs":0.0,"generation_logits":0.0,"model_name":"ensemble","model_version":"1",)"
     R"("output_log_probs":[0.0,0.0],"sequence_end":false,"sequence_id":0,"sequence_start":false,"text_output":"#)",
     R"( "})" IG_BLANK,
     R"( "})" IG_BLANK,
     {},
     {},
     {},
     true},
    {"/own/lines", kLines, R"({"n":7,"delta":"#)",
     R"( ","stop":null})"
     "\n",
     R"( ","stop":"eos","usage":{"in":200,"out":100}})"
     "\n"},
    {"/own/", kSse, R"(data: {"n":7,"delta":"#)", R"( ","stop":null})" IG_BLANK,
     R"( ","stop":"eos","usage":{"in":200,"out":100}})" IG_BLANK},
    {"/no-object/", kSse, "data: {" IG_ID IG_REST IG_TEXT, kMore, kStop, {}, kDone},
    {"/no-id/", kSse, "data: {" IG_CHUNK IG_REST IG_TEXT, kMore, kStop, {}, kDone},
    {"/no-index/", kSse, IG_HEAD R"("choices":[{"delta":{"content":"#)", kMore, kStop, {}, kDone},
    {"/bare/",
     kSse,
     R"(data: {"choices":[{"delta":{"content":"#)",
     R"( "}}]})" IG_BLANK,
     R"( "}}]})" IG_BLANK,
     {},
     kDone},
    {"/tools/",
     kSse,
     IG_HEAD R"("choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"look_up","arguments":"#)",
     IG_TOOL_MORE IG_BLANK,
     IG_TOOL_STOP IG_BLANK,
     {},
     kDone},
    {"/framing/",
     kSse,
     "data:{" IG_ID IG_CHUNK IG_REST IG_TEXT,
     IG_MORE "\r\n\r\n",
     IG_STOP "\r\n\r\n",
     {},
     "data:[DONE]\r\n\r\n"},
    {"/thoughts/",
     kSse,
     IG_HEAD IG_TEXT,
     kMore,
     kStop,
     {},
     kDone,
     IG_HEAD
     R"("choices":[{"index":0,"delta":{"role":"assistant","content":"<think>"},"finish_reason":null}]})" IG_BLANK},
    {"", kSse, IG_HEAD IG_TEXT, kMore, kStop, kUsage, kDone},
});

void append_chunk_size(std::string& out, std::size_t size) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  out.append(digits.data(), end);
  out.append("\r\n");
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  append_chunk_size(out, bytes.size());
  out.append(bytes);
  out.append("\r\n");
}

}  // namespace

const Form& form_of(std::string_view target) {
  for (const Form& form : kForms) {
    if (target.starts_with(form.target)) return form;
  }
  return kForms.back();
}

void append_head(std::string& out, const Form& form) {
  out.append("HTTP/1.1 200 OK\r\nContent-Type: ").append(form.type);
  out.append("\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
  append_chunk(out, form.first);
}

void append_event(std::string& out, const Form& form, std::uint64_t number, Place place) {
  const std::string_view after = place == Place::last ? form.last : form.after;
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  append_chunk_size(out, form.before.size() + text.size() + after.size());
  out.append(form.before);
  out.append(text);
  out.append(after);
  out.append("\r\n");
}

void append_end(std::string& out, const Form& form, Usage usage) {
  if (usage == Usage::asked) append_chunk(out, form.usage);
  append_chunk(out, form.end);
  out.append("0\r\n\r\n");
}

}  // namespace intragate::bench
