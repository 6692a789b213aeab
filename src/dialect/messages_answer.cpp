// Answers: what a model says, as content blocks. At most one block is open at a time; thinking, text and each call of a
// tool have blocks of their own, in the order in which the model begins them.
#include <array>
#include <utility>
#include <vector>

#include "base/json_check.h"
#include "base/json_write.h"
#include "dialect/messages.h"

namespace intragate::dialect::messages {
namespace {

std::string_view stop_reason(std::string_view finish, bool tools) {
  if (finish == "length") return "max_tokens";
  if (finish == "content_filter") return "refusal";
  return finish == "tool_calls" || tools ? "tool_use" : "end_turn";
}

std::string_view error_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 503: return "overloaded_error";
    case 504: return "timeout_error";
    default: return status < 500 ? "invalid_request_error" : "api_error";
  }
}

std::int64_t signed_of(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

void append_usage(json::Writer& to, const llm::Usage& usage) {
  to.open_object("usage").number("input_tokens", signed_of(usage.prompt_tokens));
  to.number("output_tokens", signed_of(usage.completion_tokens)).close_object();
}

class MessagesFront final : public Front {
 public:
  Result<std::string> request(std::string_view body) override { return chat_request(body); }
  void begin(const openai::AnswerName& name, std::uint64_t prompt) override {
    name_ = name;
    usage_ = {prompt, 0, llm::UsageSource::estimated};
  }
  void event(llm::Delta& said, std::string& out) override;
  void end(std::string& out) override;
  void fail(const Told& error, std::string& out) override;
  void heartbeat(std::string_view words, std::string& out) override;
  std::string answer(llm::Delta& said) override;
  std::string error(const Told& error, std::string_view request_id) const override;

 private:
  enum class Open : std::uint8_t { none, thinking, text, tool };

  void say_start(std::string& out);
  void open(Open kind, std::string& out);
  void close(std::string& out);
  void say(std::string_view type, std::string_view key, std::string_view text, std::string& out);
  void say_tool(const llm::ToolPiece& tool, std::string& out);
  void open_tool(const llm::ToolPiece& tool, std::string& out);
  [[nodiscard]] std::string tool_id(const llm::ToolPiece& tool) const {
    return tool.id.empty() ? "toolu_" + name_.id + '_' + std::to_string(tools_.size()) : tool.id;
  }
  void append_head(json::Writer& to) const;

  openai::AnswerName name_;
  llm::Usage usage_;
  std::string finish_;
  std::vector<int> tools_;  // the block of each call, by its number in the answer; -1: none
  std::string json_;        // scratch
  int block_ = -1;          // the last one begun
  Open open_ = Open::none;
  bool begun_ = false;
};

void append_event(std::string_view type, std::string_view json, std::string& out) {
  out += "event: ";
  out += type;
  out += "\ndata: ";
  out += json;
  out += "\n\n";
}

void MessagesFront::append_head(json::Writer& to) const {
  to.text("id", "msg_" + name_.id).text("type", "message").text("role", "assistant").text("model", name_.model);
}

void MessagesFront::say_start(std::string& out) {
  if (begun_) return;
  begun_ = true;
  json_.clear();
  json::Writer json{json_};
  json.open_object().text("type", "message_start").open_object("message");
  append_head(json);
  json.open_array("content").close_array().null("stop_reason").null("stop_sequence");
  append_usage(json, usage_);
  json.close_object().close_object();
  append_event("message_start", json_, out);
}

void MessagesFront::close(std::string& out) {
  if (open_ == Open::none) return;
  open_ = Open::none;
  append_event("content_block_stop", R"({"type":"content_block_stop","index":)" + std::to_string(block_) + '}', out);
}

void MessagesFront::open(Open kind, std::string& out) {
  if (open_ == kind) return;
  close(out);
  open_ = kind;
  const std::string_view block =
      kind == Open::text ? R"({"type":"text","text":""})" : R"({"type":"thinking","thinking":"","signature":""})";
  json_ = R"({"type":"content_block_start","index":)" + std::to_string(++block_) + ",\"content_block\":";
  json_ += block;
  json_ += '}';
  append_event("content_block_start", json_, out);
}

void MessagesFront::say(std::string_view type, std::string_view key, std::string_view text, std::string& out) {
  json_ = R"({"type":"content_block_delta","index":)" + std::to_string(block_) + R"(,"delta":{"type":")";
  json_ += type;
  json_ += "\",\"";
  json_ += key;
  json_ += "\":";
  json::append_string(json_, text);
  json_ += "}}";
  append_event("content_block_delta", json_, out);
}

void MessagesFront::open_tool(const llm::ToolPiece& tool, std::string& out) {
  close(out);
  open_ = Open::tool;
  json_.clear();
  json::Writer json{json_};
  json.open_object().text("type", "content_block_start").number("index", std::int64_t{++block_});
  json.open_object("content_block").text("type", "tool_use").text("id", tool_id(tool)).text("name", tool.name);
  json.open_object("input").close_object().close_object().close_object();
  append_event("content_block_start", json_, out);
}

// Pieces of a call whose block is closed keep its number: clients that put together by number lose nothing.
void MessagesFront::say_tool(const llm::ToolPiece& tool, std::string& out) {
  const std::size_t last = tools_.empty() ? 0 : tools_.size() - 1;
  const std::size_t number = tool.index >= 0     ? static_cast<std::size_t>(tool.index)
                             : tool.name.empty() ? last
                                                 : tools_.size();
  if (number >= tools_.size() || tools_[number] < 0) {
    open_tool(tool, out);
    if (number >= tools_.size()) tools_.resize(number + 1, -1);
    tools_[number] = block_;
  }
  if (tool.arguments.empty()) return;
  const int newest = std::exchange(block_, tools_[number]);
  say("input_json_delta", "partial_json", tool.arguments, out);
  block_ = newest;
}

void MessagesFront::event(llm::Delta& said, std::string& out) {
  say_start(out);
  if (!said.reasoning.empty()) {
    open(Open::thinking, out);
    say("thinking_delta", "thinking", said.reasoning, out);
  }
  if (!said.text.empty()) {
    open(Open::text, out);
    say("text_delta", "text", said.text, out);
  }
  for (const llm::ToolPiece& tool : said.tools) say_tool(tool, out);
  if (said.usage) {
    usage_ = *said.usage;
  } else if (said.says_something() && usage_.source == llm::UsageSource::estimated) {
    ++usage_.completion_tokens;  // until the model says better
  }
  if (!said.finish.empty()) finish_ = said.finish;
}

void MessagesFront::end(std::string& out) {
  say_start(out);
  close(out);
  json_.clear();
  json::Writer json{json_};
  json.open_object().text("type", "message_delta").open_object("delta");
  json.text("stop_reason", stop_reason(finish_, !tools_.empty())).null("stop_sequence").close_object();
  append_usage(json, usage_);
  json.close_object();
  append_event("message_delta", json_, out);
  append_event("message_stop", R"({"type":"message_stop"})", out);
}

void MessagesFront::fail(const Told& error, std::string& out) {
  append_event("error", this->error(error, name_.id), out);
}

void MessagesFront::heartbeat(std::string_view /*words*/, std::string& out) {
  append_event("ping", R"({"type":"ping"})", out);
}

std::string MessagesFront::answer(llm::Delta& said) {
  std::string out;
  json::Writer json{out};
  json.open_object();
  append_head(json);
  json.open_array("content");
  if (!said.reasoning.empty()) {
    json.open_object().text("type", "thinking").text("thinking", said.reasoning).text("signature", "").close_object();
  }
  if (!said.text.empty()) json.open_object().text("type", "text").text("text", said.text).close_object();
  for (const llm::ToolPiece& tool : said.tools) {
    json.open_object().text("type", "tool_use").text("id", tool_id(tool)).text("name", tool.name);
    if (json::is_object(tool.arguments)) {
      json.raw("input", tool.arguments);
    } else {  // the client's tool shall see what the model made of it
      json.open_object("input");
      if (!tool.arguments.empty()) json.text("arguments", tool.arguments);
      json.close_object();
    }
    json.close_object();
    tools_.push_back(0);
  }
  json.close_array().text("stop_reason", stop_reason(said.finish, !said.tools.empty())).null("stop_sequence");
  append_usage(json, said.usage.value_or(usage_));
  json.close_object();
  return out;
}

std::string MessagesFront::error(const Told& error, std::string_view request_id) const {
  std::string out;
  std::string_view message = error.message;
  for (std::size_t most = 600; out.empty() || (out.size() > 1023 && most > 0); most /= 2) {
    out.clear();
    message = message.substr(0, most);
    json::Writer json{out};
    json.open_object().text("type", "error").open_object("error").text("type", error_type(error.status));
    json.text("message", message).close_object().text("request_id", request_id).close_object();
  }
  return out;
}

}  // namespace

std::unique_ptr<Front> make_front() {
  return std::make_unique<MessagesFront>();
}

}  // namespace intragate::dialect::messages
