// Requests: what the gateway needs to know of a body, and what it must change in it.
#include <algorithm>
#include <array>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

constexpr std::size_t kLongestName = 512;  // bytes of a model's or a user's name; both go into every audit record

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

llm::Span span_of(const Member& member) {
  return {.offset = member.offset, .length = member.value.size()};
}

// `include_usage` among stream options: what it says, and where (from the beginning of the options).
struct UsageMember {
  llm::UsageWish wish = llm::UsageWish::unsaid;
  std::optional<llm::Span> value;
  bool twice = false;
  bool other_kind = false;  // neither a boolean nor null
};

// Nothing: the options are not one JSON object.
std::optional<UsageMember> find_include_usage(std::string_view options) {
  UsageMember found;
  json::ObjectScan scan{options};
  while (const std::optional<Member> member = scan.next()) {
    if (!json::key_is(*member, "include_usage")) continue;
    found.twice = found.value.has_value();
    found.value = span_of(*member);
    found.other_kind = member->kind != Kind::boolean && member->kind != Kind::null;
    if (member->kind == Kind::boolean) found.wish = member->value == "true" ? llm::UsageWish::yes : llm::UsageWish::no;
  }
  if (scan.failed()) return std::nullopt;
  return found;
}

// The text of a legal string that is no longer than names may be; nothing for all else.
std::optional<std::string> name_in(const Member& member) {
  if (member.kind != Kind::string) return std::nullopt;
  Result<std::string> name = json::unescape(member.value);
  if (!name || name->size() > kLongestName) return std::nullopt;
  return *std::move(name);
}

Result<Unit> read_model(llm::Call& call, const Member& member) {
  std::optional<std::string> name = name_in(member);
  if (!name || name->empty()) {
    return invalid("The request's `model` must be the name of a model: a string of 1 to 512 bytes.");
  }
  call.model = *std::move(name);
  call.model_value = span_of(member);
  return Unit{};
}

Result<Unit> read_stream(llm::Call& call, const Member& member) {
  if (member.kind != Kind::boolean && member.kind != Kind::null) {
    return invalid("The request's `stream` must be true or false.");
  }
  call.stream = member.value == "true" ? llm::Stream::yes : llm::Stream::no;
  return Unit{};
}

Result<Unit> read_stream_options(llm::Call& call, const Member& member) {
  if (member.kind != Kind::object && member.kind != Kind::null) {
    return invalid("The request's `stream_options` must be an object.");
  }
  call.stream_options = span_of(member);
  if (member.kind == Kind::null) return Unit{};
  const std::optional<UsageMember> usage = find_include_usage(member.value);
  if (!usage) return make_error(Code::invalid_json, "The request's `stream_options` is not valid JSON.");
  if (usage->twice) return invalid("The request's `stream_options` says `include_usage` twice.");
  if (usage->other_kind) return invalid("The request's `stream_options.include_usage` must be true or false.");
  call.usage = usage->wish;
  return Unit{};
}

Result<Unit> read_user(llm::Call& call, const Member& member) {
  if (member.kind == Kind::null) return Unit{};
  std::optional<std::string> name = name_in(member);
  if (!name) return invalid("The request's `user` must be a string of at most 512 bytes.");
  call.user = *std::move(name);
  return Unit{};
}

// The older name of max_completion_tokens, which wins where both are given.
Result<Unit> read_max_tokens(llm::Call& call, const Member& member) {
  call.max_tokens_values[0] = span_of(member);
  if (!call.max_tokens) call.max_tokens = json::unsigned_number(member.value);
  return Unit{};
}

Result<Unit> read_max_completion_tokens(llm::Call& call, const Member& member) {
  call.max_tokens_values[1] = span_of(member);
  const std::optional<std::uint64_t> limit = json::unsigned_number(member.value);
  if (limit) call.max_tokens = limit;
  return Unit{};
}

// Each is looked at by name: a body of nothing but short ones would keep a loop busy.
constexpr std::size_t kMostMembers = 10'000;

// The members the gateway reads; all others pass unread.
struct Field {
  std::string_view name;
  Result<Unit> (*read)(llm::Call& call, const Member& member);
};
constexpr std::array<Field, 6> kFields{{{"model", read_model},
                                        {"stream", read_stream},
                                        {"stream_options", read_stream_options},
                                        {"user", read_user},
                                        {"max_tokens", read_max_tokens},
                                        {"max_completion_tokens", read_max_completion_tokens}}};

// The member that the model reads.
constexpr std::string_view prompt_name(llm::Api api) {
  if (api == llm::Api::chat) return "messages";
  if (api == llm::Api::rerank) return "query";
  return api == llm::Api::completions ? "prompt" : "input";
}

// Reads a member if it is one of ours. Each may stand once and in its own spelling only: of two, models disagree on
// which counts, and servers written in Go take "MODEL" for "model", so that what we allowed would not be what is used.
Result<Unit> read_member(llm::Call& call, unsigned& seen, const Member& member) {
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const json::Spelling spelling = json::spelling(member, kFields[i].name);
    if (spelling == json::Spelling::different) continue;
    if (spelling == json::Spelling::other_case) {
      return invalid("The request must spell `" + std::string{kFields[i].name} + "` in lower case.");
    }
    if ((seen & (1U << i)) != 0) return invalid("The request says `" + std::string{kFields[i].name} + "` twice.");
    seen |= 1U << i;
    return kFields[i].read(call, member);
  }
  if (!call.prompt && member.key == prompt_name(call.api)) call.prompt = span_of(member);
  return Unit{};
}

bool is_from_user(const Member& message) {
  json::ObjectScan scan{message.value};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "role")) return member->value == "\"user\"";
  }
  return false;
}

constexpr std::string_view kAskForUsage = "\"include_usage\":true";

llm::Edit usage_edit(const llm::Call& call, std::string_view body) {
  const std::string asking{kAskForUsage};
  if (!call.stream_options) {
    return {.where = {.offset = call.closing_brace}, .text = ",\"stream_options\":{" + asking + "}"};
  }
  const llm::Span span = *call.stream_options;
  const std::string_view options = body.substr(span.offset, span.length);
  if (!options.starts_with('{')) return {.where = span, .text = "{" + asking + "}"};
  const std::optional<UsageMember> usage = find_include_usage(options);
  if (usage && usage->value) {
    return {.where = {.offset = span.offset + usage->value->offset, .length = usage->value->length}, .text = "true"};
  }
  json::ObjectScan scan{options};
  const bool has_members = scan.next().has_value();
  return {.where = {.offset = span.offset + 1}, .text = asking + (has_members ? "," : "")};
}

// What is no number of tokens (null, -1 for any) stands for no bound.
void bound_answer(const llm::Call& call, std::string_view body, std::uint64_t most, llm::Edits& edits) {
  bool said = false;
  for (const std::optional<llm::Span>& value : call.max_tokens_values) {
    if (!value) continue;
    said = true;
    const std::optional<std::uint64_t> asked = json::unsigned_number(body.substr(value->offset, value->length));
    if (!asked || *asked > most) edits.list[edits.count++] = {.where = *value, .text = std::to_string(most)};
  }
  if (said) return;
  edits.list[edits.count++] = {.where = {.offset = call.closing_brace},
                               .text = ",\"max_tokens\":" + std::to_string(most)};
}

}  // namespace

Result<llm::Call> understand(llm::Api api, std::string_view body) {
  llm::Call call;
  call.api = api;
  unsigned seen = 0;
  std::size_t count = 0;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (++count > kMostMembers) return invalid("The request has more than 10,000 members.");
    Result<Unit> read = read_member(call, seen, *member);
    if (!read) return std::move(read).error();
  }
  if (scan.failed()) {
    return make_error(Code::invalid_json, "The request's body is not a JSON object: " + scan.problem() + ".");
  }
  if (call.model.empty()) return invalid("The request does not say which `model` to use.");
  call.closing_brace = scan.closing_brace();
  return call;
}

std::string_view session_prefix(const llm::Call& call, std::string_view body) {
  if (!call.prompt) return {};
  const std::string_view start = body.substr(call.prompt->offset, std::min(call.prompt->length, kSessionPrefix));
  if (call.api != llm::Api::chat) return start;
  json::ArrayScan messages{start};
  while (const std::optional<Member> message = messages.next()) {
    if (is_from_user(*message)) return start.substr(0, message->offset + message->value.size());
  }
  return start;  // it ends within a message: that is long enough to tell
}

llm::Edits edits(const llm::Call& call, std::string_view body, std::string_view upstream_model, AskUsage ask,
                 std::uint64_t most_tokens) {
  llm::Edits result;
  if (call.model != upstream_model) {
    llm::Edit& edit = result.list[result.count++];
    edit.where = call.model_value;
    json::append_string(edit.text, upstream_model);
  }
  const bool asked = call.usage == llm::UsageWish::yes;
  if (ask == AskUsage::yes && call.stream == llm::Stream::yes && !asked) {
    result.list[result.count++] = usage_edit(call, body);
  }
  if (most_tokens > 0 && llm::generates(call.api)) bound_answer(call, body, most_tokens, result);
  if (result.count > 1) {
    std::sort(result.list.begin(), result.list.begin() + result.count,
              [](const llm::Edit& a, const llm::Edit& b) { return a.where.offset < b.where.offset; });
  }
  return result;
}

}  // namespace intragate::dialect::openai
