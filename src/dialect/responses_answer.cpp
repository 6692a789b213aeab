// Answers: what a model says, as items and their events. The API says every item a second time when it is done and all
// of them a third time at the end, so that their texts are kept; nothing waits for that.
#include <array>
#include <vector>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/responses.h"

namespace intragate::dialect::responses {
namespace {

std::int64_t signed_of(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

// Whether an object of these members has one of that name.
bool has_member(std::string_view members, std::string_view key) {
  json::ObjectScan scan = json::ObjectScan::members(members);
  while (const std::optional<json::Member> member = scan.next()) {
    if (json::key_is(*member, key)) return true;
  }
  return false;
}

struct Item {
  enum class Kind : std::uint8_t { reasoning, message, call } kind = Kind::message;
  std::string id{};
  std::string call_id{};
  std::string name{};
  std::string text{};  // what was said, or the arguments
  bool done = false;
};

void append_item(json::Writer& to, const Item& item, bool begins) {
  const std::string_view status = item.done ? "completed" : begins ? "in_progress" : "incomplete";
  to.text("id", item.id);
  if (item.kind == Item::Kind::call) {
    to.text("type", "function_call").text("status", status).text("call_id", item.call_id).text("name", item.name);
    to.text("arguments", item.text);
    return;
  }
  const bool message = item.kind == Item::Kind::message;
  to.text("type", message ? "message" : "reasoning").text("status", status);
  if (message) to.text("role", "assistant");
  if (!message) to.open_array("summary").close_array();
  to.open_array("content");
  if (!begins) {
    to.open_object().text("type", message ? "output_text" : "reasoning_text").text("text", item.text);
    if (message) to.open_array("annotations").close_array().open_array("logprobs").close_array();
    to.close_object();
  }
  to.close_array();
}

class ResponsesFront final : public Front {
 public:
  Result<std::string> request(std::string_view body) override {
    Result<Asked> asked = understand(body);
    if (!asked) return std::move(asked).error();
    echo_ = std::move(asked->echo);
    return std::move(asked->chat);
  }
  void begin(const openai::AnswerName& name, std::uint64_t prompt) override {
    name_ = name;
    usage_ = {prompt, 0, llm::UsageSource::estimated};
  }
  void event(llm::Delta& said, std::string& out) override;
  void end(std::string& out) override;
  void fail(const Told& error, std::string& out) override;
  void heartbeat(std::string_view words, std::string& out) override {
    out += ": ";
    out += words;
    out += "\n\n";
  }
  std::string answer(llm::Delta& said) override;
  std::string error(const Told& error, std::string_view request_id) const override;
  std::size_t kept() const override { return kept_; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  void open_event(json::Writer& to, std::string_view type);
  void close_event(std::string_view type, std::string& out);
  void say_response(std::string_view type, std::string_view status, std::string& out);
  void append_response(json::Writer& to, std::string_view status) const;
  void say_start(std::string& out);
  void say_part(std::string_view type, const Item& item, std::size_t at, std::string& out);
  Item& add(Item::Kind kind);
  std::size_t open(Item::Kind kind, std::string& out);
  void say(std::size_t at, std::string_view piece, std::string& out);
  void say_tool(const llm::ToolPiece& tool, std::string& out);
  void close(std::size_t at, std::string& out);

  openai::AnswerName name_;
  llm::Usage usage_;
  std::string echo_;
  std::string finish_;
  std::string error_;  // the object, where the answer failed
  std::vector<Item> items_;
  std::vector<std::size_t> tools_;  // the item of each call, by its number in the answer
  std::string json_;                // scratch
  std::size_t open_ = kNone;        // a message or a reasoning
  std::size_t kept_ = 0;
  std::int64_t sequence_ = 0;
  bool begun_ = false;
};

void ResponsesFront::open_event(json::Writer& to, std::string_view type) {
  to.open_object().text("type", type).number("sequence_number", sequence_++);
}

void ResponsesFront::close_event(std::string_view type, std::string& out) {
  out += "event: ";
  out += type;
  out += "\ndata: ";
  out += json_;
  out += "}\n\n";
  json_.clear();
}

void ResponsesFront::append_response(json::Writer& to, std::string_view status) const {
  to.text("id", "resp_" + name_.id).text("object", "response").number("created_at", name_.created);
  to.text("status", status).text("model", name_.model).flag("background", false).flag("store", false);
  to.null("previous_response_id");
  to.raw("error", error_.empty() ? "null" : error_);
  if (status == "incomplete") {
    to.open_object("incomplete_details");
    to.text("reason", finish_ == "length" ? "max_output_tokens" : "content_filter").close_object();
  } else {
    to.null("incomplete_details");
  }
  // What the client asked for, and what holds where it did not.
  constexpr std::array<std::array<std::string_view, 2>, 5> kDefaults{{{"instructions", "null"},
                                                                      {"metadata", "{}"},
                                                                      {"parallel_tool_calls", "true"},
                                                                      {"tool_choice", "\"auto\""},
                                                                      {"tools", "[]"}}};
  const std::string echo = echo_ + '}';
  for (const auto& [key, value] : kDefaults) {
    if (!has_member(echo, key)) to.raw(key, value);
  }
  to.open_array("output");
  for (const Item& item : items_) {
    to.open_object();
    append_item(to, item, false);
    to.close_object();
  }
  to.close_array();
  if (status == "in_progress") {
    to.null("usage");
  } else {
    to.open_object("usage").number("input_tokens", signed_of(usage_.prompt_tokens));
    to.open_object("input_tokens_details").number("cached_tokens", std::int64_t{0}).close_object();
    to.number("output_tokens", signed_of(usage_.completion_tokens));
    to.open_object("output_tokens_details").number("reasoning_tokens", std::int64_t{0}).close_object();
    to.number("total_tokens", signed_of(usage_.prompt_tokens + usage_.completion_tokens)).close_object();
  }
}

void ResponsesFront::say_response(std::string_view type, std::string_view status, std::string& out) {
  json::Writer json{json_};
  open_event(json, type);
  json.open_object("response");
  append_response(json, status);
  if (!echo_.empty()) json_ += ',' + echo_;
  json_ += '}';
  close_event(type, out);
}

void ResponsesFront::say_start(std::string& out) {
  if (begun_) return;
  begun_ = true;
  say_response("response.created", "in_progress", out);
  say_response("response.in_progress", "in_progress", out);
}

Item& ResponsesFront::add(Item::Kind kind) {
  constexpr std::array<std::string_view, 3> kPrefix{"rs_", "msg_", "fc_"};
  Item& item = items_.emplace_back();
  kept_ += sizeof(Item) + name_.id.size();
  item.kind = kind;
  item.id = std::string{kPrefix[static_cast<std::size_t>(kind)]} + name_.id + '_' + std::to_string(items_.size() - 1);
  return item;
}

void ResponsesFront::say_part(std::string_view type, const Item& item, std::size_t at, std::string& out) {
  const bool message = item.kind == Item::Kind::message;
  json::Writer json{json_};
  open_event(json, type);
  json.text("item_id", item.id).number("output_index", signed_of(at)).number("content_index", std::int64_t{0});
  json.open_object("part").text("type", message ? "output_text" : "reasoning_text").text("text", item.text);
  if (message) json.open_array("annotations").close_array().open_array("logprobs").close_array();
  json.close_object();
  close_event(type, out);
}

// A new item of this kind, unless one is open.
std::size_t ResponsesFront::open(Item::Kind kind, std::string& out) {
  const bool call = kind == Item::Kind::call;
  if (!call && open_ != kNone && items_[open_].kind == kind) return open_;
  if (open_ != kNone) close(open_, out);
  const std::size_t at = call ? items_.size() - 1 : items_.size();
  const Item& item = call ? items_.back() : add(kind);
  json::Writer json{json_};
  open_event(json, "response.output_item.added");
  json.number("output_index", signed_of(at)).open_object("item");
  append_item(json, item, true);
  json.close_object();
  close_event("response.output_item.added", out);
  if (call) return at;
  say_part("response.content_part.added", item, at, out);
  return open_ = at;
}

void ResponsesFront::say(std::size_t at, std::string_view piece, std::string& out) {
  constexpr std::array<std::string_view, 3> kTypes{"response.reasoning_text.delta", "response.output_text.delta",
                                                   "response.function_call_arguments.delta"};
  Item& item = items_[at];
  item.text += piece;
  kept_ += piece.size();
  const std::string_view type = kTypes[static_cast<std::size_t>(item.kind)];
  json::Writer json{json_};
  open_event(json, type);
  json.text("item_id", item.id).number("output_index", signed_of(at));
  if (item.kind != Item::Kind::call) json.number("content_index", std::int64_t{0});
  json.text("delta", piece);
  if (item.kind == Item::Kind::message) json.open_array("logprobs").close_array();
  close_event(type, out);
}

// Calls stay open to the end: models may say them by turns.
void ResponsesFront::say_tool(const llm::ToolPiece& tool, std::string& out) {
  const std::size_t last = tools_.empty() ? 0 : tools_.size() - 1;
  const std::size_t number = tool.index >= 0     ? static_cast<std::size_t>(tool.index)
                             : tool.name.empty() ? last
                                                 : tools_.size();
  if (number >= tools_.size()) tools_.resize(number + 1, kNone);
  if (tools_[number] == kNone) {
    Item& item = add(Item::Kind::call);
    item.call_id = tool.id.empty() ? "call_" + name_.id + '_' + std::to_string(number) : tool.id;
    item.name = tool.name;
    kept_ += item.call_id.size() + item.name.size();
    tools_[number] = open(Item::Kind::call, out);
  }
  if (!tool.arguments.empty()) say(tools_[number], tool.arguments, out);
}

void ResponsesFront::close(std::size_t at, std::string& out) {
  Item& item = items_[at];
  if (item.done) return;
  item.done = true;
  if (open_ == at) open_ = kNone;
  constexpr std::array<std::string_view, 3> kTypes{"response.reasoning_text.done", "response.output_text.done",
                                                   "response.function_call_arguments.done"};
  const std::string_view type = kTypes[static_cast<std::size_t>(item.kind)];
  const bool call = item.kind == Item::Kind::call;
  {
    json::Writer json{json_};
    open_event(json, type);
    json.text("item_id", item.id).number("output_index", signed_of(at));
    if (call) {
      json.text("name", item.name).text("arguments", item.text);
    } else {
      json.number("content_index", std::int64_t{0}).text("text", item.text);
    }
    if (item.kind == Item::Kind::message) json.open_array("logprobs").close_array();
    close_event(type, out);
  }
  if (!call) say_part("response.content_part.done", item, at, out);
  json::Writer json{json_};
  open_event(json, "response.output_item.done");
  json.number("output_index", signed_of(at)).open_object("item");
  append_item(json, item, false);
  json.close_object();
  close_event("response.output_item.done", out);
}

void ResponsesFront::event(llm::Delta& said, std::string& out) {
  say_start(out);
  if (!said.reasoning.empty()) say(open(Item::Kind::reasoning, out), said.reasoning, out);
  if (!said.text.empty()) say(open(Item::Kind::message, out), said.text, out);
  for (const llm::ToolPiece& tool : said.tools) say_tool(tool, out);
  if (said.usage) {
    usage_ = *said.usage;
  } else if (said.says_something() && usage_.source == llm::UsageSource::estimated) {
    ++usage_.completion_tokens;  // until the model says better
  }
  if (!said.finish.empty()) finish_ = said.finish;
}

void ResponsesFront::end(std::string& out) {
  say_start(out);
  for (std::size_t at = 0; at < items_.size(); ++at) close(at, out);
  const bool cut = finish_ == "length" || finish_ == "content_filter";
  say_response(cut ? "response.incomplete" : "response.completed", cut ? "incomplete" : "completed", out);
}

void ResponsesFront::fail(const Told& error, std::string& out) {
  if (!begun_) {
    json::Writer json{json_};
    open_event(json, "error");
    json.text("code", error.code).text("message", error.message.substr(0, 600)).null("param");
    close_event("error", out);
    return;
  }
  json::Writer json{error_};
  json.open_object().text("code", error.code).text("message", error.message.substr(0, 600)).close_object();
  say_response("response.failed", "failed", out);
}

std::string ResponsesFront::answer(llm::Delta& said) {
  finish_ = said.finish;
  if (said.usage) usage_ = *said.usage;
  if (!said.reasoning.empty()) add(Item::Kind::reasoning).text = said.reasoning;
  if (!said.text.empty()) add(Item::Kind::message).text = said.text;
  for (const llm::ToolPiece& tool : said.tools) {
    Item& item = add(Item::Kind::call);
    item.call_id = tool.id.empty() ? "call_" + name_.id + '_' + std::to_string(items_.size()) : tool.id;
    item.name = tool.name;
    item.text = tool.arguments;
  }
  for (Item& item : items_) item.done = true;
  const bool cut = finish_ == "length" || finish_ == "content_filter";
  std::string out;
  json::Writer json{out};
  json.open_object();
  append_response(json, cut ? "incomplete" : "completed");
  if (!echo_.empty()) out += ',' + echo_;
  out += '}';
  return out;
}

std::string ResponsesFront::error(const Told& error, std::string_view /*request_id*/) const {
  return openai::encode_told(error.type, error.code, error.message);
}

}  // namespace

std::unique_ptr<Front> make_front() {
  return std::make_unique<ResponsesFront>();
}

}  // namespace intragate::dialect::responses
