// The OpenAI dialect against simdjson. Whatever body is understood stays JSON with the same members after the edits,
// except those that the edits are about; events and answers say what a full parser reads in them; errors and lists stay
// in bounds.
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_scan.h"
#include "dialect/json_shape.h"
#include "dialect/openai.h"
#include "fuzz/require.h"

namespace {

namespace openai = intragate::dialect::openai;
namespace llm = intragate::llm;
namespace dom = simdjson::dom;
using fuzz::require;

constexpr std::string_view kUpstreamModel = "org/\"Model\"\\é";

std::string applied(std::string_view body, const llm::Edits& edits) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < edits.count; ++i) {
    const llm::Edit& edit = edits.list[i];
    require(edit.where.offset >= copied && edit.where.offset + edit.where.length <= body.size(), "edits are in order");
    out += body.substr(copied, edit.where.offset - copied);
    out += edit.text;
    copied = edit.where.offset + edit.where.length;
  }
  return out += body.substr(copied);
}

std::optional<dom::object> object_of(dom::parser& parser, std::string_view text) {
  dom::object object;
  if (text.empty()) return std::nullopt;  // simdjson would copy from nowhere
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  return object;
}

using Members = std::vector<std::pair<std::string, std::string>>;  // key, value in one spelling

Members members_of(const dom::object& object) {
  Members members;
  for (const auto field : object) members.emplace_back(field.key, simdjson::to_string(field.value));
  return members;
}

// What the options must become: include_usage in its place or in front, all else as it was.
Members with_usage(const std::string& options) {
  dom::parser parser;
  const std::optional<dom::object> object = object_of(parser, options);
  Members members = object ? members_of(*object) : Members{};
  const auto wish = std::find_if(members.begin(), members.end(), [](auto& m) { return m.first == "include_usage"; });
  if (wish != members.end()) {
    wish->second = "true";
  } else {
    members.insert(members.begin(), {"include_usage", "true"});
  }
  return members;
}

void check_options(const std::string& before, const std::string& after) {
  dom::parser parser;
  const std::optional<dom::object> object = object_of(parser, after);
  require(object.has_value(), "stream_options is an object");
  require(members_of(*object) == with_usage(before), "stream options survive");
}

void check_members(const Members& before, const Members& after, bool asks) {
  const bool had_options =
      std::any_of(before.begin(), before.end(), [](auto& m) { return m.first == "stream_options"; });
  require(after.size() == before.size() + (asks && !had_options ? 1 : 0), "no member is lost");
  for (std::size_t i = 0; i < before.size(); ++i) {
    require(before[i].first == after[i].first, "keys survive");
    if (before[i].first == "model") continue;
    if (asks && before[i].first == "stream_options") {
      check_options(before[i].second, after[i].second);
    } else {
      require(before[i].second == after[i].second, "values survive");
    }
  }
  if (asks && !had_options) check_options("{}", after.back().second);
}

void check_edits(std::string_view body, const llm::Call& call, openai::AskUsage ask) {
  const bool asks =
      ask == openai::AskUsage::yes && call.stream == llm::Stream::yes && call.usage != llm::UsageWish::yes;
  const std::string after = applied(body, openai::edits(call, body, kUpstreamModel, ask));
  dom::parser parser;
  const std::optional<dom::object> object = object_of(parser, body);
  const Members before = object ? members_of(*object) : Members{};
  dom::parser parser_after;
  const std::optional<dom::object> object_after = object_of(parser_after, after);
  require(object.has_value() == object_after.has_value(), "JSON stays JSON");
  if (object) check_members(before, members_of(*object_after), asks);
  const auto again = openai::understand(call.api, after);
  require(again && again->model == kUpstreamModel && again->user == call.user, "edited bodies are understood");
  require(again->stream == call.stream && again->max_tokens == call.max_tokens, "edits change nothing else");
  require(again->usage == (asks ? llm::UsageWish::yes : call.usage), "usage is asked for");
  require(applied(body, openai::edits(call, body, call.model, openai::AskUsage::no)) == body, "no need, no edit");
}

// The beginning of a conversation: short, where it says, and the same whatever we change in the body.
void check_session(std::string_view body, const llm::Call& call) {
  const std::string_view prefix = openai::session_prefix(call, body);
  require(prefix.size() <= openai::kSessionPrefix, "a session's beginning is bounded");
  require(!prefix.empty() == call.prompt.has_value(), "messages have a beginning");
  if (!prefix.empty()) require(prefix.data() == body.data() + call.prompt->offset, "it is that of the messages");
  const std::string after = applied(body, openai::edits(call, body, kUpstreamModel, openai::AskUsage::yes));
  const auto again = openai::understand(call.api, after);
  require(again && openai::session_prefix(*again, after) == prefix, "edits change no session");
}

void check_request(std::string_view body) {
  const auto call = openai::understand(llm::Api::chat, body);
  if (!call) {
    require(!call.error().message.empty() && call.error().message.size() < 500, "a refusal says why");
    return;
  }
  require(!call->model.empty() && call->model.size() <= 512 && call->user.size() <= 512, "names are bounded");
  require(body[call->closing_brace] == '}', "closing brace");
  check_edits(body, *call, openai::AskUsage::no);
  check_edits(body, *call, openai::AskUsage::yes);
  check_session(body, *call);
}

// The last member of that name, as most readers see it.
std::optional<dom::element> last_member(const dom::object& object, std::string_view name) {
  std::optional<dom::element> found;
  for (const auto field : object) {
    if (field.key == name) found = field.value;
  }
  return found;
}

std::optional<std::uint64_t> count_in(const dom::object& usage, std::string_view name) {
  const std::optional<dom::element> element = last_member(usage, name);
  std::uint64_t value = 0;
  if (!element || element->type() == dom::element_type::DOUBLE || element->get(value) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return value > std::uint64_t{1} << 53 ? std::nullopt : std::optional{value};
}

void check_usage(const std::optional<llm::Usage>& found, const std::optional<dom::element>& member) {
  dom::object usage;
  if (!member || member->get(usage) != simdjson::SUCCESS) return require(!found, "no usage");
  const std::optional<std::uint64_t> prompt = count_in(usage, "prompt_tokens");
  const std::optional<std::uint64_t> completion = count_in(usage, "completion_tokens");
  require(found.has_value() == (prompt || completion), "usage");
  if (!found) return;
  require(found->prompt_tokens == prompt.value_or(0) && found->completion_tokens == completion.value_or(0), "tokens");
}

bool is_empty(dom::element element) {
  dom::array array;
  dom::object object;
  std::string_view text;
  if (element.get(array) == simdjson::SUCCESS) return array.size() == 0;
  if (element.get(object) == simdjson::SUCCESS) return object.size() == 0;
  return element.get(text) != simdjson::SUCCESS || text.empty();
}

bool has_content(dom::element choice) {
  dom::object members;
  if (choice.get(members) != simdjson::SUCCESS) return false;
  for (const auto field : members) {
    if (field.key == "text" && field.value.is_string() && !is_empty(field.value)) return true;
    dom::object delta;
    if (field.key != "delta" || field.value.get(delta) != simdjson::SUCCESS) continue;
    for (const auto part : delta) {
      if (part.key != "role" && !is_empty(part.value)) return true;
    }
  }
  return false;
}

// An event of the same shape says the same, whatever its text.
void check_shape(std::string_view data, const openai::EventFacts& facts) {
  const std::optional<intragate::dialect::JsonShape> shape = intragate::dialect::JsonShape::of(data);
  if (!shape || facts.text.empty()) return;
  const auto at = static_cast<std::size_t>(facts.text.data() - data.data());
  const std::string other =
      std::string{data.substr(0, at)} + "\"\\\"} x\"" + std::string{data.substr(at + facts.text.size())};
  if (!shape->fits(other)) return;  // `object` is a strange place for a text
  const openai::EventFacts others = openai::inspect_event(other);
  require(others.content && others.usage_only == facts.usage_only && others.error == facts.error, "the same facts");
  require(others.usage.has_value() == facts.usage.has_value(), "the same usage");
}

// Against what a parser that builds everything reads in the same event.
void check_event(std::string_view data) {
  const openai::EventFacts facts = openai::inspect_event(data);
  check_shape(data, facts);
  dom::parser parser;
  const std::optional<dom::object> event = object_of(parser, data);
  if (!event) return;
  dom::array choices;
  const std::optional<dom::element> member = last_member(*event, "choices");
  const bool has_choices = member && member->get(choices) == simdjson::SUCCESS && choices.size() > 0;
  const std::optional<dom::element> error = last_member(*event, "error");
  const std::optional<dom::element> usage = last_member(*event, "usage");
  require(!facts.done, "an object is not the end");
  require(facts.error == (error && !error->is_null() && !has_choices), "error");
  require(facts.usage_only == (usage && usage->is_object() && !has_choices), "usage only");
  require(facts.content == (has_choices && std::any_of(choices.begin(), choices.end(), has_content)), "content");
  check_usage(facts.usage, usage);
}

// The place of the one `usage` of the top level. Nothing: there is none, or it is not for checking parts: given twice,
// spelled with escapes, or followed by more usages of deeper levels than are tried.
struct UsagePlace {
  std::size_t key = 0;  // offset of its quote
  std::size_t end = 0;  // just behind the value
};
enum class Places : std::uint8_t { none, one, unclear };

Places find_place(std::string_view body, UsagePlace& place) {
  constexpr std::size_t kTried = 8;
  std::size_t mentions = 0;
  for (std::size_t at = body.find("\"usage\""); at != std::string_view::npos; at = body.find("\"usage\"", at + 1))
    ++mentions;
  std::size_t found = 0;
  intragate::json::ObjectScan scan{body};
  while (const auto member = scan.next()) {
    if (!intragate::json::key_is(*member, "usage")) continue;
    if (member->key_escaped || ++found > 1 || mentions > kTried) return Places::unclear;
    place = {.key = static_cast<std::size_t>(member->key.data() - body.data()) - 1,
             .end = member->offset + member->value.size()};
  }
  return found == 0 ? Places::none : Places::one;
}

// A first or last part says the same as the whole if it has all of the usage, else nothing.
void check_parts(std::string_view body, const std::optional<llm::Usage>& whole) {
  UsagePlace place;
  const Places places = find_place(body, place);
  if (places == Places::unclear) return;
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    const bool in_tail = places == Places::one && cut <= place.key && whole;
    const bool in_head = places == Places::one && cut >= place.end && whole;
    const std::optional<llm::Usage> tail = openai::find_usage(body.substr(cut));
    const std::optional<llm::Usage> head = openai::find_usage_in_beginning(body.substr(0, cut));
    require(tail.has_value() == in_tail && head.has_value() == in_head, "usage in a part");
    require(!tail || tail->prompt_tokens == whole->prompt_tokens, "tokens in the last part");
    require(!head || head->prompt_tokens == whole->prompt_tokens, "tokens in the first part");
  }
}

void check_answer(std::string_view body) {
  constexpr std::size_t kLongest = 300;  // the work is quadratic
  const std::optional<llm::Usage> found = openai::find_usage(body);
  dom::parser parser;
  const std::optional<dom::object> answer = object_of(parser, body);
  if (!answer) return;
  check_usage(found, last_member(*answer, "usage"));
  if (body.size() <= kLongest) check_parts(body, found);
}

void check_lists(std::string_view body) {
  const auto ids = openai::decode_models(body);
  if (!ids) return;
  require(ids->size() <= 10'000, "bounded list");
  for (const std::string& id : *ids) {
    require(!id.empty() && id.size() <= 512, "bounded ids");
    dom::parser parser;
    const std::string shown = openai::encode_model({.id = id, .created = 1, .context_window = 8, .kind = id});
    require(object_of(parser, shown).has_value(), "models are JSON");
  }
}

void check_error(std::string_view message) {
  const std::string shown =
      openai::encode_error(intragate::make_error(intragate::Code::invalid_request, std::string{message}));
  dom::parser parser;
  require(object_of(parser, shown).has_value() && shown.size() < 1024, "errors are short JSON");
  require(shown.find('\n') == std::string::npos, "errors are one line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> bytes{data, data + size};
  const std::string_view text{bytes.data(), bytes.size()};
  check_request(text);
  check_lists(text);
  check_error(text);
  const bool minus_zero = text.find("-0") != std::string_view::npos;  // an unsigned number to simdjson, none to us
  if (minus_zero) return 0;
  check_event(text);
  check_answer(text);
  return 0;
}
