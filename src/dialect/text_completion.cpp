#include "dialect/text_completion.h"

#include <algorithm>
#include <array>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/chat_draft.h"

namespace intragate::dialect::text_completion {
namespace {

using json::Kind;
using json::Member;

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

// What chat cannot do, and the value that asks for nothing.
struct Unable {
  std::string_view key;
  std::string_view harmless;
};
constexpr std::array<Unable, 5> kUnable{
    {{"echo", "false"}, {"suffix", "\"\""}, {"logprobs", "0"}, {"best_of", "1"}, {"n", "1"}}};

// The one prompt, raw. Errors: there is none, or there are several.
Result<std::string_view> prompt_in(const std::optional<Member>& prompt) {
  if (is_string(prompt)) return prompt->value;
  if (!prompt || prompt->kind != Kind::array) return invalid("The request has no `prompt`: a text.");
  json::ArrayScan scan{prompt->value};
  const std::optional<Member> first = scan.next();
  if (!is_string(first)) return invalid("This model takes text in `prompt`, not token ids.");
  if (scan.next()) return invalid("This model takes one prompt at a time.");
  return first->value;
}

class CompletionFront final : public Front {
 public:
  Result<std::string> request(std::string_view body) override;
  void begin(const openai::AnswerName& name, std::uint64_t prompt) override;
  void event(llm::Delta& said, std::string& out) override;
  void end(std::string& out) override;
  void fail(const Told& error, std::string& out) override { say(this->error(error, {}), out); }
  void heartbeat(std::string_view words, std::string& out) override { out += ": " + std::string{words} + "\n\n"; }
  std::string answer(llm::Delta& said) override { return openai::encode_answer(name_, said); }
  std::string error(const Told& error, std::string_view /*request_id*/) const override {
    return openai::encode_told(error.type, error.code, error.message);
  }

 private:
  static void say(std::string_view json, std::string& out) {
    out += "data: ";
    out += json;
    out += "\n\n";
  }

  openai::AnswerName name_;
  std::optional<openai::ChunkWriter> writer_;
  llm::Usage usage_;
  std::string json_;  // scratch
  bool wants_usage_ = false;
};

Result<std::string> CompletionFront::request(std::string_view body) {
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (!json::key_is(*member, "stream_options")) continue;
    const std::optional<Member> usage = member_of(*member, "include_usage");
    wants_usage_ = usage && usage->value == "true";
  }
  return chat_request(body);
}

void CompletionFront::begin(const openai::AnswerName& name, std::uint64_t prompt) {
  name_ = name;
  name_.api = llm::Api::completions;
  writer_.emplace(name_);
  usage_ = {prompt, 0, llm::UsageSource::estimated};
}

void CompletionFront::event(llm::Delta& said, std::string& out) {
  if (said.usage) usage_ = *said.usage;
  if (!said.text.empty() && usage_.source == llm::UsageSource::estimated) ++usage_.completion_tokens;
  said.reasoning.clear();
  said.tools.clear();
  json_.clear();
  writer_->write(said, json_);
  if (!json_.empty()) say(json_, out);
}

void CompletionFront::end(std::string& out) {
  if (wants_usage_) {
    json_.clear();
    writer_->write_usage(usage_, json_);
    say(json_, out);
  }
  say("[DONE]", out);
}

}  // namespace

Result<std::string> chat_request(std::string_view body) {
  constexpr std::array<std::string_view, 3> kOurs{"prompt", "messages", "stream_options"};
  std::string chat;
  json::Writer writer{chat};
  writer.open_object();
  std::optional<Member> prompt;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "prompt")) prompt = member;
    const auto named = [&](std::string_view key) { return json::key_is(*member, key); };
    const auto* const unable =
        std::find_if(kUnable.begin(), kUnable.end(), [&](const Unable& u) { return named(u.key); });
    if (unable == kUnable.end()) {
      if (!member->key_escaped && std::none_of(kOurs.begin(), kOurs.end(), named))
        writer.raw(member->key, member->value);
    } else if (member->kind != Kind::null && member->value != unable->harmless) {
      return invalid("This model has only chat, which knows no `" + std::string{unable->key} + "`.");
    }
  }
  if (scan.failed()) {
    return make_error(Code::invalid_json, "The request's body is not a JSON object: " + scan.problem() + ".");
  }
  Result<std::string_view> text = prompt_in(prompt);
  if (!text) return std::move(text).error();
  ChatDraft draft;
  draft.user(*text);
  writer.raw("messages", draft.list()).close_object();
  return chat;
}

std::unique_ptr<Front> make_front() {
  return std::make_unique<CompletionFront>();
}

}  // namespace intragate::dialect::text_completion
