// Streams: what makes Dify stop reading, show nothing, or count wrongly.
#include <algorithm>

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

// An event with an error; nothing when there is none.
std::optional<std::string_view> error_in(const StreamShape& shape) {
  for (const StreamEvent& event : shape.events) {
    if (has(event.data, {"error"})) return event.data;
  }
  return std::nullopt;
}

// The end of an answer that broke off is the error, and says nothing of how answers end.
Finding broken_off(std::string_view error) {
  return {.id = "S3",
          .title = "every event has choices with a delta",
          .verdict = Verdict::bad,
          .detail = "the server reports an error within the stream: " + excerpt(error),
          .dify_shows = "that error, behind what came before it",
          .cure = "what the server says; no repair can make an answer of it"};
}

Finding judge_choices(const StreamShape& shape, Chat chat) {
  Finding found{.id = "S3", .title = "every event has choices with a delta"};
  for (const StreamEvent& event : shape.events) {
    if (event.data == "[DONE]") continue;
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
  found.cure = "`repair: true` (the default): its repairs `choices` and `delta`";
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

// The largest of these counts in `usage`; 0: none.
std::uint64_t largest_count(const StreamShape& shape, std::string_view name) {
  std::uint64_t largest = 0;
  for (const StreamEvent& event : shape.events) {
    const std::optional<json::Member> found = look(event.data, {"usage", name});
    if (found) largest = std::max(largest, json::unsigned_number(found->value).value_or(0));
  }
  return largest;
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
  if (finishes == 1 && finish_at == last) {
    const std::string reason = look_text(shape.events[finish_at].data, {"choices", "0", "finish_reason"}).value_or("");
    if (largest_count(shape, "completion_tokens") < kStreamTokens || reason == "length") return found;
    found.verdict = Verdict::open;
    found.detail = "\"" + excerpt(reason) + "\", though max_tokens cut the answer off";
    found.dify_shows = "nothing: nobody is told that the answer is not whole";
    return found;
  }
  found.verdict = Verdict::bad;
  found.detail = finishes == 0 ? "none" : std::to_string(finishes) + " of them, or text behind it";
  found.dify_shows = "an answer without an end: no token counts, and a workflow that may wait";
  found.cure = "`repair: true` (the default): its repair `finish_reason`, of a missing one";
  return found;
}

Finding judge_usage(const StreamShape& shape) {
  Finding found{.id = "S6", .title = "token counts at the end of a stream"};
  std::string_view missing;
  for (const std::string_view name : {"completion_tokens", "prompt_tokens"}) {
    if (largest_count(shape, name) == 0) missing = name;
  }
  if (missing.empty()) return found;
  found.verdict = Verdict::bad;
  found.detail =
      "no event with `usage." + std::string{missing} + "` > 0, though stream_options.include_usage asked for it";
  found.dify_shows = "far too few tokens, or an error when its token table cannot be downloaded";
  found.cure = "`repair: true` (the default): its repair `usage` ends the stream with an estimate";
  return found;
}

Finding judge_done(const StreamShape& shape, const Answer& answer) {
  Finding found{.id = "S7", .title = "[DONE], and a body that ends properly"};
  if (shape.done && answer.whole) return found;
  found.verdict = Verdict::bad;
  found.detail = shape.done ? "the body breaks off behind [DONE]" : "no [DONE]";
  found.dify_shows = "an error behind a whole answer, or nothing";
  found.cure = shape.done ? kGateway : "`repair: true` (the default): its repair `done`, where the body ends properly";
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
  found.cure = "`repair: true` (the default): its repair `empty_delta`";
  return found;
}

// S8: comments count, so that heartbeats are seen.
Finding judge_silence(const Answer& answer) {
  constexpr Duration kLong = std::chrono::seconds{15};
  constexpr Duration kDifyGivesUp = std::chrono::seconds{300};
  Finding found{.id = "S8", .title = "no long silence in a stream"};
  Duration longest{};
  Duration before{};
  for (const Arrival& arrival : answer.arrivals) {
    longest = std::max(longest, arrival.at - before);
    before = arrival.at;
  }
  longest = std::max(longest, answer.ended - before);
  if (longest <= kLong) return found;
  found.verdict = longest >= kDifyGivesUp ? Verdict::bad : Verdict::open;
  found.detail = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(longest).count()) + " s";
  found.dify_shows =
      longest >= kDifyGivesUp ? "Read timed out" : "nothing yet: it gives up after 300 s, proxies after 60 s";
  found.cure = "`timeouts.first_byte` and `timeouts.between_chunks` above that; a smaller or less busy model";
  return found;
}

// Whether an escape of half a character (a UTF-16 surrogate) stands without its other half.
bool has_half_escape(std::string_view json) {
  bool high = false;  // the escape before was a first half
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] != '\\') {
      if (high) return true;
      ++at;
      continue;
    }
    unsigned value = 0;
    const bool unicode = at + 6 <= json.size() && json[at + 1] == 'u';
    for (std::size_t digit = 2; unicode && digit < 6; ++digit) {
      value = value * 16 + static_cast<unsigned>(std::max(0, text::hex_value(json[at + digit])));
    }
    const bool low = value >= 0xDC00 && value <= 0xDFFF;
    if (low != high) return true;
    high = value >= 0xD800 && value <= 0xDBFF;
    at += unicode ? 6 : 2;
  }
  return high;
}

}  // namespace

void judge_stream(const Answer& answer, Chat chat, Findings& into) {
  if (answer.status != 200) {
    into.push_back({.id = "S1",
                    .title = "a stream",
                    .verdict = Verdict::bad,
                    .detail = status_and_body(answer),
                    .dify_shows = "API request failed with status code " + std::to_string(answer.status),
                    .cure = "the server does not stream; a `dialect` that fits it"});
    return;
  }
  const StreamShape shape = shape_of(answer.body);
  into.push_back(judge_headers(answer));
  into.push_back(judge_form(shape));
  if (const std::optional<std::string_view> error = error_in(shape)) {
    into.push_back(broken_off(*error));
    return;
  }
  into.push_back(judge_choices(shape, chat));
  into.push_back(judge_pace(shape, answer));
  into.push_back(judge_end(shape));
  into.push_back(judge_usage(shape));
  into.push_back(judge_done(shape, answer));
  into.push_back(judge_silence(answer));
  into.push_back(judge_reasoning(shape));
}

void judge_characters(const Answer& answer, Chat chat, Findings& into) {
  Finding found{.id = "S11", .title = "no character is cut in half"};
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  const StreamShape shape = shape_of(answer.body);
  bool asked = false;  // something came that could have been cut
  for (const StreamEvent& event : shape.events) {
    const std::string written = chat == Chat::completion
                                    ? look_text(event.data, {"choices", "0", "text"}).value_or("")
                                    : look_text(event.data, {"choices", "0", "delta", "content"}).value_or("");
    asked = asked || std::any_of(written.begin(), written.end(), [](char c) { return (c & 0x80) != 0; });
    const bool broken = text::first_illegal_byte(event.data).has_value() || has_half_escape(event.data) ||
                        written.find(kReplacement) != std::string::npos;
    if (!broken) continue;
    found.verdict = Verdict::bad;
    found.detail = "an event with a broken character: " + excerpt(event.data);
    found.dify_shows = "\xEF\xBF\xBD in place of Chinese characters and emoji";
    found.cure = "the model server cuts tokens within characters; a newer version of it";
    into.push_back(std::move(found));
    return;
  }
  if (!asked) {
    found.verdict = Verdict::open;
    found.detail = answer.status == 200 ? "the model did not repeat the Chinese and emoji it was asked to"
                                        : status_and_body(answer);
  }
  into.push_back(std::move(found));
}

}  // namespace intragate::check
