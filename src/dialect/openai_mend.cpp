#include "dialect/openai_mend.h"

#include <algorithm>

#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

bool is_empty_text(const Member& member) {
  return member.kind == Kind::null || member.value == "\"\"" || member.value == "[]" || member.value == "{}";
}

std::string_view object_of(llm::Api api, bool whole) {
  if (api == llm::Api::completions) return "\"text_completion\"";
  return whole ? "\"chat.completion\"" : "\"chat.completion.chunk\"";
}

std::string quoted(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

// What an error object says: `message`, or FastAPI's `msg`.
std::string message_of(std::string_view object) {
  std::string words;
  json::ObjectScan scan{object};
  while (const std::optional<Member> part = scan.next()) {
    const bool said = json::key_is(*part, "message") || json::key_is(*part, "msg");
    if (said && part->kind == Kind::string && words.empty()) json::append_text(words, part->value);
  }
  return words;
}

// Text of an error in any of the forms that servers have: of a list, the first one.
std::string words_of(const Member& member) {
  std::string words;
  if (member.kind == Kind::string) json::append_text(words, member.value);
  if (member.kind == Kind::object) words = message_of(member.value);
  if (member.kind != Kind::array) return words;
  const std::optional<Member> first = json::ArrayScan{member.value}.next();
  return first && first->kind == Kind::object ? message_of(first->value) : words;
}

}  // namespace

Repairs repairs_named(const std::vector<std::string>& names) {
  Repairs repairs;
  for (std::size_t i = 0; i < kRepairs; ++i) {
    const auto repair = static_cast<Repair>(i);
    if (std::find(names.begin(), names.end(), repair_name(repair)) != names.end()) repairs.add(repair);
  }
  return repairs;
}

struct Mender::Top {
  std::optional<Member> object;
  std::optional<Member> id;
  std::optional<Member> choices;
  std::optional<Member> error;
  std::optional<Member> usage;
  std::optional<Member> model;
  std::optional<Member> vectors;
  bool readable = false;

  explicit Top(std::string_view data) {
    json::ObjectScan scan{data};
    while (const std::optional<Member> member = scan.next()) {
      if (json::key_is(*member, "object")) object = member;
      if (json::key_is(*member, "id")) id = member;
      if (json::key_is(*member, "choices")) choices = member;
      if (json::key_is(*member, "error") && member->kind != Kind::null) error = member;
      if (json::key_is(*member, "usage")) usage = member;
      if (json::key_is(*member, "model")) model = member;
      if (json::key_is(*member, "data")) vectors = member;
    }
    readable = !scan.failed();
  }
  [[nodiscard]] bool has_choices() const { return choices && choices->kind == Kind::array; }
  // An error that stands where an answer should, as vLLM and LMDeploy write them: {"object":"error","message":…}.
  [[nodiscard]] bool is_error() const { return !error && !has_choices() && object && object->value == "\"error\""; }
};

std::string_view Mender::mend_event(std::string_view data) {
  trace_ = {};
  const std::string_view mended = mend(data, Form::event);
  trace_.usual = trace_.usual && mended.data() == data.data();
  return mended;
}

bool Mender::follow(const Trace& trace) {
  if (trace.said == Trace::Said::nothing && trace.choice && reasoning_) return false;  // it may have to be left out
  choices_ = choices_ || trace.choice;
  finished_ = finished_ || trace.end;
  if (trace.said != Trace::Said::nothing) reasoning_ = trace.said == Trace::Said::thought;
  return true;
}

std::string_view Mender::mend_answer(std::string_view body, std::uint64_t prompt_tokens) {
  said_ = 0;
  const Top top{body};
  if (!top.readable || top.error || !top.has_choices()) return body;
  edits_.clear();
  mend_top(body, top, Form::whole);
  if (!top.usage || top.usage->kind != Kind::object) {
    const std::uint64_t answer = (said_ + 3) / 4;
    const std::string counts = "{\"prompt_tokens\":" + std::to_string(prompt_tokens) +
                               ",\"completion_tokens\":" + std::to_string(answer) +
                               ",\"total_tokens\":" + std::to_string(prompt_tokens + answer) + "}";
    put({body, body.find('{'), "usage"}, top.usage, counts, Repair::usage);
  }
  return apply(body);
}

std::string_view Mender::mend_embeddings(std::string_view body, std::uint64_t prompt_tokens) {
  const Top top{body};
  if (!top.readable || top.error || !top.vectors || top.vectors->kind != Kind::array) return body;
  edits_.clear();
  const std::size_t brace = body.find('{');
  if (!top.usage || top.usage->kind != Kind::object) {
    const std::string tokens = std::to_string(prompt_tokens);
    const std::string counts = "{\"prompt_tokens\":" + tokens + ",\"total_tokens\":" + tokens + "}";
    put({body, brace, "usage"}, top.usage, counts, Repair::usage);
  }
  if (!top.model || top.model->kind != Kind::string)
    put({body, brace, "model"}, top.model, quoted(name_.model), Repair::model);
  if (!top.object || top.object->value != "\"list\"")
    put({body, brace, "object"}, top.object, "\"list\"", Repair::object);
  return apply(body);
}

std::string_view Mender::mend(std::string_view data, Form form) {
  const Top top{data};
  if (!top.readable || top.is_error() || (top.error && !top.has_choices())) {
    trace_.usual = false;
    if (top.readable && top.error && top.error->kind == Kind::object) return data;
    if (leaves(Repair::error)) return data;
    repairs_.add(Repair::error);
    const std::string words = top.error ? words_of(*top.error) : message_of(data);
    mended_ = encode_refusal(500, top.readable ? words : "The model sent what is no event.");
    return mended_;
  }
  edits_.clear();
  left_out_ = false;
  mend_top(data, top, form);
  return left_out_ ? std::string_view{} : apply(data);
}

void Mender::mend_top(std::string_view data, const Top& top, Form form) {
  const std::size_t brace = data.find('{');
  const std::string_view object = object_of(name_.api, form == Form::whole);
  if (!top.object || top.object->value != object) {
    put({data, brace, "object"}, top.object, std::string{object}, Repair::object);
  }
  if (!top.id || is_empty_text(*top.id))
    put({data, brace, "id"}, top.id, quoted("chatcmpl-" + std::string{name_.id}), Repair::id);
  if (!top.has_choices()) return put({data, brace, "choices"}, top.choices, "[]", Repair::choices);
  json::ArrayScan scan = json::ArrayScan::inside(data, top.choices->offset);
  std::size_t place = 0;
  while (const std::optional<Member> choice = scan.next()) {
    if (choice->kind == Kind::object) mend_choice(data, choice->offset, place, form);
    ++place;
  }
  choices_ = choices_ || place > 0;
  trace_.choice = place > 0;
  trace_.usual = trace_.usual && place <= 1;
}

void Mender::mend_choice(std::string_view data, std::size_t offset, std::size_t place, Form form) {
  std::optional<Member> index;
  std::optional<Member> finish;
  json::ObjectScan scan = json::ObjectScan::inside(data, offset);
  std::optional<Member> said;
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "index")) index = member;
    if (json::key_is(*member, "finish_reason")) finish = member;
    if (json::key_is(*member, form == Form::event ? "delta" : "message")) said = member;
    if (json::key_is(*member, "text")) said_ += member->value.size();
  }
  if (!index || index->kind != Kind::number) put({data, offset, "index"}, index, std::to_string(place), Repair::index);
  const bool ended = finish && finish->kind == Kind::string && finish->value.size() > 2;
  finished_ = finished_ || ended;
  trace_.end = trace_.end || ended;
  if (said && said->kind == Kind::object && form == Form::event) {
    mend_delta(data, said->offset);
    if (left_out_ && ended) left_out_ = false;
  } else if (said && said->kind == Kind::null && form == Form::event) {
    replace(said->offset, said->value.size(), "{}", Repair::delta);
  } else if (said && said->kind == Kind::object) {
    mend_message(data, said->offset);
  }
  if (form == Form::event || ended) return;
  const std::string reason = tools_.empty() ? "\"stop\"" : "\"tool_calls\"";
  put({data, offset, "finish_reason"}, finish, reason, Repair::finish_reason);
}

void Mender::mend_delta(std::string_view data, std::size_t offset) {
  bool thought = false;
  bool said = false;
  bool other = false;
  std::optional<Member> tools;
  json::ObjectScan scan = json::ObjectScan::inside(data, offset);
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "tool_calls") && member->kind == Kind::array) tools = member;
    if (is_empty_text(*member) || json::key_is(*member, "role")) continue;
    const bool reasoning = json::key_is(*member, "reasoning_content") || json::key_is(*member, "reasoning");
    thought = thought || reasoning;
    said = said || json::key_is(*member, "content");
    other = other || !reasoning;
  }
  if (tools) {
    trace_.usual = false;
    mend_tools(data, tools->offset, Form::event);
  }
  if (!thought && !other && reasoning_ && !leaves(Repair::empty_delta)) {
    left_out_ = true;
    repairs_.add(Repair::empty_delta);
  }
  if (!thought && !other) return;
  reasoning_ = thought && !said;
  trace_.said = reasoning_ ? Trace::Said::thought : Trace::Said::text;
}

void Mender::mend_message(std::string_view data, std::size_t offset) {
  std::optional<Member> tools;
  std::optional<Member> content;
  json::ObjectScan scan = json::ObjectScan::inside(data, offset);
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "content")) content = member;
    if (json::key_is(*member, "tool_calls") && member->kind == Kind::array && member->value.size() > 2) tools = member;
    said_ += member->value.size();
  }
  if (tools) return mend_tools(data, tools->offset, Form::whole);
  if (!content || content->kind == Kind::null) put({data, offset, "content"}, content, "\"\"", Repair::content);
}

void Mender::mend_tools(std::string_view data, std::size_t offset, Form form) {
  json::ArrayScan scan = json::ArrayScan::inside(data, offset);
  std::size_t place = 0;
  while (const std::optional<Member> tool = scan.next()) {
    if (tool->kind == Kind::object) mend_tool(data, tool->offset, place, form);
    ++place;
  }
}

// What a tool call, or a piece of one, says of itself.
struct Mender::Piece {
  std::optional<Member> index;
  std::optional<Member> id;
  std::optional<Member> type;
  std::optional<Member> function;
  std::optional<std::int64_t> number;
  std::string given;  // the id
  std::string name;
  std::string arguments;  // only where nothing else says which call this is of
  [[nodiscard]] bool loose() const { return !number && given.empty(); }

  Piece(std::string_view data, std::size_t offset) {
    json::ObjectScan scan = json::ObjectScan::inside(data, offset);
    while (const std::optional<Member> member = scan.next()) {
      if (json::key_is(*member, "index")) index = member;
      if (json::key_is(*member, "id")) id = member;
      if (json::key_is(*member, "type")) type = member;
      if (json::key_is(*member, "function") && member->kind == Kind::object) function = member;
    }
    if (index) {
      const std::optional<std::uint64_t> read = json::unsigned_number(index->value);
      if (read) number = static_cast<std::int64_t>(*read);
    }
    if (id) json::append_text(given, id->value);
    if (!function) return;
    json::ObjectScan inner = json::ObjectScan::inside(data, function->offset);
    while (const std::optional<Member> member = inner.next()) {
      if (json::key_is(*member, "name") && name.empty()) json::append_text(name, member->value);
      if (!loose() || !json::key_is(*member, "arguments")) continue;
      arguments = member->kind == Kind::object ? std::string{member->value} : std::string{};
      if (member->kind == Kind::string) json::append_text(arguments, member->value);
    }
  }
};

// Whether a piece that says neither index nor id is one of the last call: it has no name, or says that one's again
// while its arguments have no end. Two in one event are two calls.
bool Mender::goes_on(const Piece& piece, std::size_t place) const {
  if (!piece.loose() || tools_.empty()) return false;
  return piece.name.empty() || (place == 0 && piece.name == tools_.back().name && !tools_.back().arguments.reached());
}

// The call that a piece belongs to: by its index, else by its id, else the last if it goes on, else a new one.
Mender::Tool& Mender::tool_of(const Piece& piece, std::size_t place, bool& begun) {
  constexpr std::size_t kMostTools = 1000;
  auto found = std::find_if(tools_.begin(), tools_.end(), [&](const Tool& tool) {
    return piece.number ? tool.index == *piece.number : !piece.given.empty() && tool.id == piece.given;
  });
  if (found == tools_.end() && (goes_on(piece, place) || tools_.size() == kMostTools)) found = tools_.end() - 1;
  begun = found == tools_.end();
  if (!begun) return *found;
  const std::int64_t next = tools_.empty() ? static_cast<std::int64_t>(place) : tools_.back().index + 1;
  const std::int64_t index = piece.number.value_or(next);
  std::string id = piece.given.empty() ? "call_" + std::string{name_.id} + "_" + std::to_string(index) : piece.given;
  tools_.push_back({index, std::move(id), piece.loose() ? piece.name : std::string{}, {}});
  return tools_.back();
}

void Mender::mend_tool(std::string_view data, std::size_t offset, std::size_t place, Form form) {
  Piece piece{data, offset};
  const bool whole = form == Form::whole;
  if (whole) piece.number = static_cast<std::int64_t>(place);
  bool begun = false;
  Tool& tool = tool_of(piece, place, begun);
  tool.arguments.take(piece.arguments);
  if (!piece.number) put({data, offset, "index"}, piece.index, std::to_string(tool.index), Repair::tool_calls);
  // Dify goes by ids: a piece without one belongs, to it, to the call before.
  const bool needs_id = begun || tool.index != last_tool_;
  if (piece.given.empty() && needs_id) put({data, offset, "id"}, piece.id, quoted(tool.id), Repair::tool_calls);
  if (begun && (!piece.type || piece.type->kind != Kind::string))
    put({data, offset, "type"}, piece.type, "\"function\"", Repair::tool_calls);
  last_tool_ = tool.index;
  if (piece.function) mend_function(data, piece.function->offset, begun);
}

void Mender::mend_function(std::string_view data, std::size_t offset, bool begun) {
  json::ObjectScan scan = json::ObjectScan::inside(data, offset);
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "name") && !begun && !is_empty_text(*member))
      replace(member->offset, member->value.size(), "\"\"", Repair::tool_calls);
    if (!json::key_is(*member, "arguments")) continue;
    if (member->kind == Kind::object) {
      const std::string_view object = data.substr(member->offset, member->value.size());
      replace(member->offset, member->value.size(), quoted(object), Repair::tool_calls);
    } else if (member->kind == Kind::null) {
      replace(member->offset, member->value.size(), "\"\"", Repair::tool_calls);
    }
  }
}

void Mender::replace(std::size_t offset, std::size_t length, std::string text, Repair repair) {
  if (leaves(repair)) return;
  edits_.push_back({.where = {.offset = offset, .length = length}, .text = std::move(text)});
  repairs_.add(repair);
}

void Mender::put(const Place& at, const std::optional<Member>& old, std::string_view value, Repair repair) {
  if (leaves(repair)) return;
  if (old) return replace(old->offset, old->value.size(), std::string{value}, repair);
  const std::size_t inside = at.brace + 1;
  std::string member = '"' + std::string{at.key} + "\":" + std::string{value};
  const std::size_t next = at.data.find_first_not_of(" \t\r\n", inside);
  const bool others = next != std::string_view::npos && at.data[next] != '}';
  const bool inserted = std::any_of(edits_.begin(), edits_.end(), [&](const llm::Edit& edit) {
    return edit.where.offset == inside && edit.where.length == 0;
  });
  if (others || inserted) member += ',';
  edits_.insert(edits_.begin(), llm::Edit{.where = {.offset = inside, .length = 0}, .text = std::move(member)});
  repairs_.add(repair);
}

std::string_view Mender::apply(std::string_view data) {
  if (edits_.empty()) return data;
  std::stable_sort(edits_.begin(), edits_.end(),
                   [](const llm::Edit& a, const llm::Edit& b) { return a.where.offset < b.where.offset; });
  mended_.clear();
  std::size_t at = 0;
  for (const llm::Edit& edit : edits_) {
    mended_.append(data, at, edit.where.offset - at);
    mended_ += edit.text;
    at = edit.where.offset + edit.where.length;
  }
  mended_.append(data, at);
  return mended_;
}

std::string Mender::missing_end() {
  std::string event;
  if (finished_ || !choices_ || leaves(Repair::finish_reason)) return event;
  finished_ = true;
  repairs_.add(Repair::finish_reason);
  ChunkWriter writer{name_.name()};
  writer.begin();
  llm::Delta end;
  end.finish = tools_.empty() ? "stop" : "tool_calls";
  writer.write(end, event);
  return event;
}

std::string Mender::missing_usage(const llm::Usage& usage) {
  std::string event;
  if (!choices_ || leaves(Repair::usage)) return event;
  repairs_.add(Repair::usage);
  ChunkWriter{name_.name()}.write_usage(usage, event);
  return event;
}

bool is_usual_list(std::string_view embeddings) {
  constexpr std::size_t kEnd = 256;
  const std::string_view first = embeddings.substr(0, kEnd);
  const std::string_view last = embeddings.substr(embeddings.size() - std::min(embeddings.size(), kEnd));
  const auto has = [&](std::string_view words) {
    return first.find(words) != std::string_view::npos || last.find(words) != std::string_view::npos;
  };
  return (has("\"object\":\"list\"") || has("\"object\": \"list\"")) && (has("\"model\":\"") || has("\"model\": \""));
}

std::optional<std::string> mend_refusal(int status, std::string_view body) {
  std::string words;
  bool proper = false;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "error") && member->kind == Kind::object) proper = true;
    const bool said = json::key_is(*member, "error") || json::key_is(*member, "detail") ||
                      json::key_is(*member, "message") || json::key_is(*member, "error_message");
    if (said && words.empty()) words = words_of(*member);
  }
  if (proper && !scan.failed()) return std::nullopt;
  const bool html = body.find('<') != std::string_view::npos;
  if (scan.failed() && !html) words = body.substr(0, 600);
  if (scan.failed() && body.starts_with('"')) {
    words.clear();
    json::append_text(words, body);
  }
  return encode_refusal(status, words);
}

}  // namespace intragate::dialect::openai
