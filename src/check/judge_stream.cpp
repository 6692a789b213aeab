// Streams: what makes Dify stop reading, show nothing, or count wrongly.
#include <array>
#include <map>

#include "base/text.h"
#include "check/judge.h"
#include "check/look.h"
#include "check/stream_events.h"

namespace intragate::check {
namespace {

constexpr std::string_view kStops = "an empty or cut answer, finish_reason `Non-JSON encountered.`, and no error";
constexpr std::string_view kGateway = "put the gateway in front: it brings every stream into this form";

Finding judge_headers(const Answer& answer) {
  Finding found{.id = "S1", .title = "a stream's headers"};
  if (!answer.content_type.starts_with("text/event-stream")) {
    found.detail = "Content-Type is " + excerpt(answer.content_type);
  } else if (!answer.encoding.empty()) {
    found.detail = "the stream is compressed (" + excerpt(answer.encoding) + ")";
  } else if (!answer.chunked) {
    found.detail = "not Transfer-Encoding: chunked";
  }
  if (found.detail.empty()) return found;
  found.verdict = Verdict::bad;
  found.dify_shows = "words that come in bursts of 512 bytes, or not at all";
  found.cure = kGateway;
  return found;
}

Finding judge_form(const StreamShape& shape) {
  Finding found{.id = "S2", .title = "nothing but `data:` lines, comments and blank lines"};
  if (shape.carriage_return) found.detail = "lines end with \\r\\n";
  if (!shape.stray.empty()) found.detail = "a block that is neither: " + excerpt(shape.stray);
  for (const StreamEvent& event : shape.events) {
    if (event.data != "[DONE]" && !is_object(event.data)) found.detail = "no JSON: " + excerpt(event.data);
  }
  if (found.detail.empty()) return found;
  found.verdict = Verdict::bad;
  found.dify_shows = kStops;
  found.cure = kGateway;
  return found;
}

Finding judge_choices(const StreamShape& shape, Chat chat) {
  Finding found{.id = "S3", .title = "every event has choices with a delta"};
  for (const StreamEvent& event : shape.events) {
    if (event.data == "[DONE]" || has(event.data, {"error"})) continue;
    const std::optional<json::Member> choices = look(event.data, {"choices"});
    const std::optional<json::Member> delta = look(event.data, {"choices", "0", "delta"});
    const bool object = delta && delta->kind == json::Kind::object;
    if (!choices || choices->kind != json::Kind::array) {
      found.detail = "an event without `choices`: " + excerpt(event.data);
    } else if (count(event.data, {"choices"}) > 0 && chat == Chat::chat && !object) {
      found.detail = "a choice whose `delta` is no object: " + excerpt(event.data);
    }
  }
  if (found.detail.empty()) return found;
  found.verdict = Verdict::bad;
  found.dify_shows = "an error in the middle of the answer";
  found.cure = "`repair: true` (the default) mends it";
  return found;
}

Finding judge_pace(const StreamShape& shape, const Answer& answer) {
  constexpr std::size_t kEnough = 8;  // fewer events say nothing about their spreading
  Finding found{.id = "S4", .title = "words come as they are made"};
  const Pace pace = pace_of(shape, answer.arrivals);
  found.detail = std::to_string(shape.events.size()) + " events in " + std::to_string(pace.reads) + " reads";
  if (shape.events.size() < kEnough) {
    found.verdict = Verdict::open;
    found.detail += ": too few to tell";
  } else if (pace.largest * 2 > shape.events.size()) {
    found.verdict = Verdict::bad;
    found.detail += ", " + std::to_string(pace.largest) + " of them in one";
    found.dify_shows = "nothing for a long time, then everything at once";
    found.cure =
        "something on the way collects the stream: a proxy with buffering on, or a server that does not stream";
  }
  return found;
}

Finding judge_end(const StreamShape& shape) {
  Finding found{.id = "S5", .title = "one finish_reason, in the last event with choices"};
  std::size_t finishes = 0;
  std::size_t last = 0;
  std::size_t finish_at = 0;
  for (std::size_t i = 0; i < shape.events.size(); ++i) {
    if (count(shape.events[i].data, {"choices"}) == 0) continue;
    last = i;
    if (!has(shape.events[i].data, {"choices", "0", "finish_reason"})) continue;
    ++finishes;
    finish_at = i;
  }
  if (finishes == 1 && finish_at == last) return found;
  found.verdict = Verdict::bad;
  found.detail = finishes == 0 ? "none" : std::to_string(finishes) + " of them, or text behind it";
  found.dify_shows = "an answer without an end: no token counts, and a workflow that may wait";
  found.cure = "`repair: true` (the default) mends a missing one";
  return found;
}

Finding judge_usage(const StreamShape& shape) {
  Finding found{.id = "S6", .title = "token counts at the end of a stream"};
  for (const StreamEvent& event : shape.events) {
    const std::optional<json::Member> prompt = look(event.data, {"usage", "prompt_tokens"});
    if (prompt && json::unsigned_number(prompt->value).value_or(0) > 0) return found;
  }
  found.verdict = Verdict::bad;
  found.detail = "no event with `usage.prompt_tokens` > 0, though stream_options.include_usage asked for it";
  found.dify_shows = "far too few tokens, or an error when its token table cannot be downloaded";
  found.cure = "`repair: true` (the default) counts what the server does not";
  return found;
}

Finding judge_done(const StreamShape& shape, const Answer& answer) {
  Finding found{.id = "S7", .title = "[DONE], and a body that ends properly"};
  if (shape.done && answer.whole) return found;
  found.verdict = Verdict::bad;
  found.detail = shape.done ? "the body breaks off behind [DONE]" : "no [DONE]";
  found.dify_shows = "an error behind a whole answer, or nothing";
  found.cure = kGateway;
  return found;
}

// An empty delta between two pieces of reasoning ends Dify's <think> block too early.
Finding judge_reasoning(const StreamShape& shape) {
  Finding found{.id = "S10", .title = "reasoning in one piece"};
  enum class Seen : std::uint8_t { nothing, reasoning, gap } seen = Seen::nothing;
  for (const StreamEvent& event : shape.events) {
    const std::optional<json::Member> delta = look(event.data, {"choices", "0", "delta"});
    if (!delta) continue;
    const std::string thought =
        look_text(delta->value, {"reasoning_content"}).value_or(look_text(delta->value, {"reasoning"}).value_or(""));
    const std::string content = look_text(delta->value, {"content"}).value_or("");
    if (!thought.empty() && seen == Seen::gap) found.verdict = Verdict::bad;
    if (!thought.empty()) seen = Seen::reasoning;
    if (thought.empty() && content.empty() && seen == Seen::reasoning) seen = Seen::gap;
    if (!content.empty()) seen = Seen::nothing;
  }
  if (found.verdict == Verdict::good) return found;
  found.detail = "an empty delta between two pieces of reasoning";
  found.dify_shows = "several <think> blocks, and reasoning within the answer";
  found.cure = "`repair: true` (the default) drops it";
  return found;
}

Finding judge_characters(const StreamShape& shape) {
  Finding found{.id = "S11", .title = "no character is cut in half"};
  for (const StreamEvent& event : shape.events) {
    const std::string text = look_text(event.data, {"choices", "0", "delta", "content"}).value_or("");
    const bool broken =
        text::first_illegal_byte(event.data).has_value() || text.find("\xEF\xBF\xBD") != std::string::npos;
    if (!broken) continue;
    found.verdict = Verdict::bad;
    found.detail = "an event with a broken character: " + excerpt(event.data);
    found.dify_shows = "\xEF\xBF\xBD in place of Chinese characters and emoji";
    found.cure = "the model server cuts tokens within characters; a newer version of it";
    break;
  }
  return found;
}

}  // namespace

void judge_stream(const Answer& answer, Chat chat, Findings& into) {
  if (answer.status != 200) {
    into.push_back({.id = "S1",
                    .title = "a stream",
                    .verdict = Verdict::bad,
                    .detail = "status " + std::to_string(answer.status) + ": " + excerpt(answer.body),
                    .dify_shows = "API request failed with status code " + std::to_string(answer.status),
                    .cure = "the server does not stream; a `dialect` that fits it"});
    return;
  }
  const StreamShape shape = shape_of(answer.body);
  into.push_back(judge_headers(answer));
  into.push_back(judge_form(shape));
  into.push_back(judge_choices(shape, chat));
  into.push_back(judge_pace(shape, answer));
  into.push_back(judge_end(shape));
  into.push_back(judge_usage(shape));
  into.push_back(judge_done(shape, answer));
  into.push_back(judge_reasoning(shape));
  into.push_back(judge_characters(shape));
}

namespace {

// One call put together from its pieces, in OpenAI's way (by index) or in Dify's (by id, else the last one).
using Calls = std::map<std::string, std::string>;

// False, with the reason, when the piece belongs nowhere.
bool add_piece(std::string_view piece, Calls& by_index, Calls& by_id, std::string& last_id, std::string& why) {
  const std::optional<json::Member> index = look(piece, {"index"});
  const std::string id = look_text(piece, {"id"}).value_or("");
  if (!index) why = "a piece without `index`";
  if (!id.empty()) last_id = id;
  if (last_id.empty()) why = "a first piece without `id`";
  const std::string arguments = look_text(piece, {"function", "arguments"}).value_or("");
  if (has(piece, {"function", "arguments"}) && !look_text(piece, {"function", "arguments"})) {
    why = "`function.arguments` is no string";
  }
  if (index) by_index[std::string{index->value}] += arguments;
  by_id[last_id] += arguments;
  return why.empty();
}

}  // namespace

void judge_tool_stream(const Answer& answer, Findings& into) {
  Finding found{.id = "T2", .title = "a tool is called in a stream"};
  const StreamShape shape = shape_of(answer.body);
  Calls by_index;
  Calls by_id;
  std::string last_id;
  for (const StreamEvent& event : shape.events) {
    const std::optional<json::Member> pieces = look(event.data, {"choices", "0", "delta", "tool_calls"});
    if (!pieces || pieces->kind != json::Kind::array) continue;
    json::ArrayScan scan{pieces->value};
    while (const std::optional<json::Member> piece = scan.next()) {
      (void)add_piece(piece->value, by_index, by_id, last_id, found.detail);
    }
  }
  if (answer.status != 200 || by_id.empty()) {
    found.verdict = Verdict::open;
    found.detail = answer.status != 200 ? "status " + std::to_string(answer.status) + ": " + excerpt(answer.body)
                                        : "the model answered without calling it";
    into.push_back(std::move(found));
    return;
  }
  if (found.detail.empty() && by_index.size() != by_id.size()) {
    found.detail = "Dify, which goes by `id`, sees " + std::to_string(by_id.size()) + " calls where others see " +
                   std::to_string(by_index.size());
  }
  for (const auto& [id, arguments] : by_id) {
    if (found.detail.empty() && !is_object(arguments))
      found.detail = "arguments that are not JSON: " + excerpt(arguments);
  }
  if (!found.detail.empty()) {
    found.verdict = Verdict::bad;
    found.dify_shows = "an agent that stops, or a tool called with mixed-up arguments";
    found.cure = "`repair: true` (the default) mends it";
  }
  into.push_back(std::move(found));
}

}  // namespace intragate::check
