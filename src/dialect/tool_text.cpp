#include "dialect/tool_text.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/json_check.h"
#include "base/json_scan.h"
#include "dialect/prompt.h"
#include "prompt/built_in.h"

namespace intragate::dialect {
namespace {

using config::ToolCalls;
using json::Kind;
using json::Member;
using Words = std::span<const std::string_view>;

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kLongestName = 256;

constexpr std::string_view kCallBegin = "<｜tool▁call▁begin｜>";
constexpr std::string_view kCallEnd = "<｜tool▁call▁end｜>";
constexpr std::string_view kSeparator = "<｜tool▁sep｜>";

// How a form is marked in the text.
struct Marks {
  std::string_view open;    // before the first call
  Words more;               // before each further one
  Words skipped;            // between calls and behind the last
  char bare = '\0';         // what a whole answer of calls alone begins with, where servers leave the marks out
  bool name_first = false;  // the name may stand before the JSON
};

constexpr std::string_view kHermesMore[] = {"<tool_call>"};
constexpr std::string_view kHermesSkipped[] = {"</tool_call>"};
constexpr std::string_view kLlamaMore[] = {"<|python_tag|>", "{"};
constexpr std::string_view kLlamaSkipped[] = {";", ",", "<|eom_id|>"};
constexpr std::string_view kMistralMore[] = {"[TOOL_CALLS]"};
constexpr std::string_view kDeepseekMore[] = {kCallBegin};
constexpr std::string_view kDeepseekSkipped[] = {"<｜tool▁calls▁end｜>"};

constexpr Marks kHermes{.open = "<tool_call>", .more = kHermesMore, .skipped = kHermesSkipped};
constexpr Marks kLlama{.open = "<|python_tag|>", .more = kLlamaMore, .skipped = kLlamaSkipped, .bare = '{'};
constexpr Marks kMistral{.open = "[TOOL_CALLS]", .more = kMistralMore, .skipped = {}, .bare = '[', .name_first = true};
constexpr Marks kDeepseek{.open = "<｜tool▁calls▁begin｜>", .more = kDeepseekMore, .skipped = kDeepseekSkipped};

const Marks& marks_of(ToolCalls form) {
  switch (form) {
    case ToolCalls::llama: return kLlama;
    case ToolCalls::mistral: return kMistral;
    case ToolCalls::deepseek: return kDeepseek;
    default: return kHermes;
  }
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kSpace) == std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

// Bytes at the end of `text` that may be the beginning of `mark`.
std::size_t begun_mark(std::string_view text, std::string_view mark) {
  for (std::size_t size = std::min(text.size(), mark.size() - 1); size > 0; --size) {
    if (mark.starts_with(text.substr(text.size() - size))) return size;
  }
  return 0;
}

// What one of the words `text` begins with; empty: none.
std::string_view begins_with(std::string_view text, Words words) {
  for (const std::string_view word : words) {
    if (text.starts_with(word)) return word;
  }
  return {};
}

bool may_become(std::string_view text, Words words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return word.starts_with(text); });
}

// The arguments as a JSON text: an object as it is written, or what a string holds.
std::string arguments_of(const Member& member) {
  std::string text;
  if (member.kind == Kind::object) text = member.value;
  if (member.kind == Kind::string) json::append_text(text, member.value);
  return json::is_object(text) ? text : std::string{};
}

// {"name":…,"arguments":{…}}, `parameters` for `arguments`, or the same within `function`.
std::optional<llm::ToolPiece> read_object(std::string_view object, int depth = 0) {
  llm::ToolPiece call;
  json::ObjectScan scan{object};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "function") && member->kind == Kind::object && depth == 0) {
      std::optional<llm::ToolPiece> inner = read_object(member->value, 1);
      if (inner) return inner;
    }
    if (json::key_is(*member, "name") && member->kind == Kind::string) {
      call.name.clear();
      json::append_text(call.name, member->value);
    }
    if (json::key_is(*member, "id") && member->kind == Kind::string) {
      call.id.clear();
      json::append_text(call.id, member->value);
    }
    if (json::key_is(*member, "arguments") || json::key_is(*member, "parameters")) {
      call.arguments = arguments_of(*member);
    }
  }
  const bool good = !scan.failed() && !call.name.empty() && call.name.size() <= kLongestName && !call.arguments.empty();
  if (call.id.size() > kLongestName) call.id.clear();
  return good ? std::optional{std::move(call)} : std::nullopt;
}

std::vector<llm::ToolPiece> read_list(std::string_view array) {
  std::vector<llm::ToolPiece> calls;
  json::ArrayScan scan{array};
  while (const std::optional<Member> element = scan.next()) {
    std::optional<llm::ToolPiece> call;
    if (element->kind == Kind::object) call = read_object(element->value);
    if (!call) return {};
    calls.push_back(*std::move(call));
  }
  if (scan.failed()) calls.clear();
  return calls;
}

// `name[CALL_ID]id[ARGS]{…}`, the marks of which may be missing.
std::optional<llm::ToolPiece> read_named(std::string_view before, std::string_view object) {
  constexpr std::string_view kId = "[CALL_ID]";
  constexpr std::string_view kArguments = "[ARGS]";
  before = trimmed(before);
  if (before.ends_with(kArguments)) before.remove_suffix(kArguments.size());
  llm::ToolPiece call{.id = {}, .name = {}, .arguments = std::string{object}};
  const std::size_t id = before.find(kId);
  if (id != std::string_view::npos) call.id = trimmed(before.substr(id + kId.size()));
  call.name = trimmed(before.substr(0, id));
  const bool good =
      json::is_object(object) && !call.name.empty() && call.name.find_first_of(" []{}\"\n") == std::string::npos;
  return good ? std::optional{std::move(call)} : std::nullopt;
}

// `function<sep>NAME\n```json\n{…}\n```` (V3, R1) or `NAME<sep>{…}` (V3.1).
std::optional<llm::ToolPiece> read_deepseek(std::string_view call) {
  const std::size_t begin = call.find(kCallBegin);
  const std::size_t separator = call.find(kSeparator);
  if (begin == std::string_view::npos || separator == std::string_view::npos || separator < begin) return std::nullopt;
  std::string_view name = trimmed(call.substr(begin + kCallBegin.size(), separator - begin - kCallBegin.size()));
  std::string_view rest = call.substr(separator + kSeparator.size());
  rest = rest.substr(0, rest.find(kCallEnd));
  const std::size_t brace = rest.find('{');
  if (brace == std::string_view::npos) return std::nullopt;
  if (name == "function" && !is_blank(rest.substr(0, brace))) {
    name = trimmed(rest.substr(0, std::min(rest.find('\n'), brace)));
  }
  rest = rest.substr(brace, rest.rfind('}') + 1 - brace);
  if (name.size() > kLongestName || name.find('{') != std::string_view::npos) return std::nullopt;
  return read_named(name, rest);
}

}  // namespace

ToolCalls tool_form(const config::Endpoint& endpoint) {
  if (endpoint.tool_calls != ToolCalls::automatic) return endpoint.tool_calls;
  std::string_view source = endpoint.chat_template;
  for (const prompt::BuiltIn& built_in : prompt::built_ins()) {
    if (built_in.name == source) source = built_in.source;
  }
  const auto has = [&](std::string_view words) { return source.find(words) != std::string_view::npos; };
  if (has("[TOOL_CALLS]")) return ToolCalls::mistral;
  if (has("tool▁calls▁begin") || has("tool\\u2581calls\\u2581begin")) return ToolCalls::deepseek;
  if (has("<tool_call>") || has("\\u003ctool_call\\u003e")) return ToolCalls::hermes;
  if (has("<|python_tag|>") || has("dictionary of argument name")) return ToolCalls::llama;
  return ToolCalls::none;
}

ToolsAsked tools_asked(ToolCalls form, const llm::Request& request) {
  ToolsAsked asked;
  if (form == ToolCalls::none || request.api != llm::Api::chat || !wants_tools(request)) return asked;
  asked.form = form;
  json::ArrayScan tools{request.raw("tools")};
  while (const std::optional<Member> tool = tools.next()) {
    if (tool->kind != Kind::object) continue;
    json::ObjectScan members{tool->value};
    while (const std::optional<Member> member = members.next()) {
      if (!json::key_is(*member, "function") || member->kind != Kind::object) continue;
      json::ObjectScan function{member->value};
      while (const std::optional<Member> part = function.next()) {
        if (!json::key_is(*part, "name")) continue;
        json::append_text(asked.names.emplace_back(), part->value);
      }
    }
  }
  return asked;
}

void ToolText::apply(llm::Delta& delta, Piece piece) {
  if (asked_.form == ToolCalls::none || where_ == Where::over) return;
  held_ += delta.text;
  delta.text.clear();
  while (step(delta, piece)) {
  }
  if (piece == Piece::last || rest().size() > kLongest) {
    give_text(delta, rest().size());
    where_ = Where::over;
  }
  held_.erase(0, std::exchange(done_, 0));
}

// One step on; false: more must come first.
bool ToolText::step(llm::Delta& delta, Piece piece) {
  switch (where_) {
    case Where::start:
    case Where::text: return step_text(delta, piece);
    case Where::call: return step_call(delta, piece);
    case Where::between: return step_between(piece);
    case Where::over: break;
  }
  give_text(delta, rest().size());
  return false;
}

// Up to a mark, or to what may become one. White space before the first call is not said.
bool ToolText::step_text(llm::Delta& delta, Piece piece) {
  const Marks& marks = marks_of(asked_.form);
  const bool start = where_ == Where::start;
  const std::string_view text = rest();
  const std::size_t first = start ? std::min(text.find_first_not_of(kSpace, scanned_), text.size()) : 0;
  const std::string_view begin = text.substr(first);
  scanned_ = first;
  if (start && marks.bare != '\0' && begin.starts_with(marks.bare) && !marks.open.starts_with(begin.substr(0, 2))) {
    begin_call(0);
    return true;
  }
  const std::size_t at = text.find(marks.open, first);
  if (at != std::string_view::npos) {
    if (start && at == first) done_ += at;
    if (!start || at > first) give_text(delta, at);
    begin_call(marks.open.size());
    return true;
  }
  const std::size_t said = text.size() - (piece == Piece::last ? 0 : begun_mark(text, marks.open));
  const bool waits = start && said <= first && piece != Piece::last;
  if (waits || text.empty()) return false;
  where_ = Where::text;
  give_text(delta, said);
  return false;
}

void ToolText::begin_call(std::size_t mark) {
  where_ = ++calls_ > kMostCalls ? Where::over : Where::call;
  scanned_ = mark_ = mark;
  json_ = {};
}

bool ToolText::step_call(llm::Delta& delta, Piece piece) {
  const std::optional<std::size_t> end = call_end(piece);
  if (!end) return false;
  const bool too_long = *end > kLongest;  // as if it had come in pieces
  Calls calls = *end > mark_ && !too_long ? read_calls(rest().substr(0, *end)) : Calls{};
  if (calls.empty()) {
    where_ = mark_ > 0 && !too_long ? Where::text : Where::over;
    if (where_ == Where::text) give_text(delta, *end);
    return true;
  }
  calls_ += calls.size() - 1;
  std::move(calls.begin(), calls.end(), std::back_inserter(delta.tools));
  done_ += *end;
  where_ = Where::between;
  return true;
}

bool ToolText::step_between(Piece piece) {
  const Marks& marks = marks_of(asked_.form);
  done_ = std::min(held_.find_first_not_of(kSpace, done_), held_.size());
  const std::string_view text = rest();
  if (text.empty()) return false;
  const std::string_view skipped = begins_with(text, marks.skipped);
  const std::string_view more = begins_with(text, marks.more);
  const bool may_be_one = may_become(text, marks.skipped) || may_become(text, marks.more);
  if (!skipped.empty()) {
    done_ += skipped.size();
  } else if (!more.empty()) {
    begin_call(more.size() == 1 ? 0 : more.size());
  } else if (piece != Piece::last && may_be_one) {
    return false;
  } else {
    where_ = Where::text;
  }
  return true;
}

// Behind the call's last byte; no further than its mark: it is none; nothing: more must come first.
std::optional<std::size_t> ToolText::call_end(Piece piece) {
  const Marks& marks = marks_of(asked_.form);
  const std::string_view text = rest();
  if (asked_.form == ToolCalls::deepseek) {
    const std::size_t end = text.find(kCallEnd, scanned_);
    if (end != std::string_view::npos) return end + kCallEnd.size();
    if (piece == Piece::last) return text.size();
    scanned_ = std::max(scanned_, text.size() - std::min(text.size(), kCallEnd.size() - 1));
    return std::nullopt;
  }
  if (json_.inside()) return json_end();
  const std::size_t first = scanned_ = std::min(text.find_first_not_of(kSpace, scanned_), text.size());
  if (first == text.size()) return std::nullopt;
  const bool list = marks.name_first && text[first] == '[';
  const bool named = marks.name_first && mark_ > 0 && !list;
  const std::size_t name = named ? text.substr(first, kLongestName + 1).find('{') : 0;
  if (name == std::string_view::npos && text.size() - first <= kLongestName) return std::nullopt;
  if (name == std::string_view::npos || (text[first + name] != '{' && !list)) return mark_;
  scanned_ = first + name;
  return json_end();
}

std::optional<std::size_t> ToolText::json_end() {
  scanned_ += json_.take_to_end(rest().substr(scanned_));
  return json_.reached() ? std::optional{scanned_} : std::nullopt;
}

ToolText::Calls ToolText::read_calls(std::string_view call) const {
  Calls calls;
  const auto add = [&](std::optional<llm::ToolPiece> one) {
    if (one) calls.push_back(*std::move(one));
  };
  if (asked_.form == ToolCalls::deepseek) {
    add(read_deepseek(call));
    return calls;
  }
  const std::string_view text = trimmed(call.substr(mark_));
  const std::size_t brace = text.find('{');
  if (text.starts_with('[')) {
    calls = read_list(text);
  } else if (text.starts_with('{')) {
    add(read_object(text));
  } else if (brace != std::string_view::npos) {
    add(read_named(text.substr(0, brace), text.substr(brace)));
  }
  // Without a mark it may be the JSON that somebody asked for.
  const auto known = [&](const llm::ToolPiece& one) {
    return std::find(asked_.names.begin(), asked_.names.end(), one.name) != asked_.names.end();
  };
  if (mark_ == 0 && !std::all_of(calls.begin(), calls.end(), known)) calls.clear();
  return calls;
}

void ToolText::give_text(llm::Delta& delta, std::size_t size) {
  delta.text.append(held_, done_, size);
  done_ += size;
}

}  // namespace intragate::dialect
