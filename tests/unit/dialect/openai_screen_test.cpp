#include "dialect/openai_screen.h"

#include <gtest/gtest.h>

#include "base/json_write.h"

namespace intragate::dialect::openai {
namespace {

using content::Action;
using content::Rule;
using content::Rules;

Rule rule_of(Action action) {
  Rule rule;
  rule.name = "r";
  rule.action = action;
  rule.kinds = content::Kinds{0b111};
  rule.patterns.push_back(*content::Pattern::make("PRJ-[0-9]+"));
  return rule;
}

std::string event_of(std::string_view text, std::string_view finish = "null") {
  std::string out = R"({"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":)";
  json::append_string(out, text);
  return out + R"(},"finish_reason":)" + std::string{finish} + "}]}";
}

// The content of our own events, put together.
std::string content_in(std::string_view events) {
  std::string out;
  constexpr std::string_view kKey = "\"content\":";
  for (std::size_t at = events.find(kKey); at != std::string_view::npos; at = events.find(kKey, at + 1)) {
    const std::size_t from = at + kKey.size();
    std::size_t end = from + 1;
    while (events[end] != '"') end += events[end] == '\\' ? 2 : 1;
    json::append_text(out, events.substr(from, end + 1 - from));
  }
  return out;
}

struct Screened {
  explicit Screened(Action action) : rule{rule_of(action)} {}
  Rule rule;
  Rules rules{&rule};
  content::Tally tally{1};
  EventScreen screen{llm::Api::chat, rules, tally, BodyScreen::Copies::removed};
  std::string out{};
  void take(const std::string& data) {
    const EventScreen::Event event = screen.take(data);
    out += event.before;
    out += event.data;
  }
};

TEST(EventScreen, WhatIsSplitOverEventsIsMaskedWhereverItIsCut) {
  const std::string text = "say 138 0013 8000 for PRJ-77!";
  for (std::size_t first = 1; first < text.size(); ++first) {
    for (std::size_t second = first; second < text.size(); second += 3) {
      Screened s{Action::mask};
      s.take(event_of(text.substr(0, first)));
      s.take(event_of(text.substr(first, second - first)));
      s.take(event_of(text.substr(second)));
      s.out += s.screen.rest();
      EXPECT_EQ(content_in(s.out), "say [mobile_number] for [r]!") << first << ' ' << second;
      EXPECT_EQ(s.tally.count[0], 2U);
    }
  }
}

TEST(EventScreen, AnEventWithNothingFoundIsTheSameBytes) {
  Screened s{Action::mask};
  const std::string event = event_of("hello, ");
  EXPECT_EQ(s.screen.take(event).data.data(), event.data());
  const std::string other = R"({"choices":[],"usage":{"prompt_tokens":1}})";
  EXPECT_EQ(s.screen.take(other).data.data(), other.data());
}

TEST(EventScreen, WhatIsHeldComesBeforeTheEndOfItsChoice) {
  Screened s{Action::mask};
  s.take(event_of("call 138"));
  const std::string last = R"({"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
  const EventScreen::Event event = s.screen.take(last);
  EXPECT_EQ(
      event.before,
      R"({"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"138"},"logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(event.data, last);
  EXPECT_EQ(s.screen.rest(), "");
  Screened t{Action::mask};
  t.take(event_of("call 13800"));
  const std::string closing = event_of("138000", "\"stop\"");
  EXPECT_EQ(content_in(t.screen.take(closing).data), "[mobile_number]") << "in the event itself if it has the text";
}

TEST(EventScreen, ChoicesAndToolCallsAreTextsOfTheirOwn) {
  Screened s{Action::mask};
  const auto tool = [](int index, std::string_view arguments) {
    return R"({"choices":[{"delta":{"tool_calls":[{"index":)" + std::to_string(index) +
           R"(,"function":{"name":"f","arguments":")" + std::string{arguments} + R"("}}]},"index":0}]})";
  };
  s.take(tool(0, "138001"));
  s.take(tool(1, "1"));
  s.take(tool(0, "38000;"));
  s.take(tool(1, "3800138000"));
  EXPECT_NE(s.out.find("[mobile_number];"), std::string::npos) << s.out;
  const std::string rest{s.screen.rest()};
  EXPECT_NE(rest.find(R"("tool_calls":[{"index":1,"function":{"arguments":"[mobile_number]"}}])"), std::string::npos)
      << rest;
}

TEST(EventScreen, ARefusedAnswerEndsBeforeTheFinding) {
  Screened s{Action::refuse};
  s.take(event_of("it is 1380"));
  const std::string event = event_of("0138000 for all");
  EXPECT_EQ(content_in(s.screen.take(event).data), "");
  EXPECT_EQ(content_in(s.out), "it is ");
  EXPECT_TRUE(s.tally.refused);
}

TEST(EventScreen, WhatIsNoJsonIsOneText) {
  Screened s{Action::mask};
  s.take("ring 13800138000");
  s.take(R"({"choices":[{"delta":{"content":"a"} "x":"13800138000"}]})");
  s.take(R"({"choices":[{"delta":{"content":"a"}}],"error":{"message":"13800138000"})");
  EXPECT_EQ(s.out.find("138"), std::string::npos) << s.out;
}

TEST(EventScreen, LogprobsSayTheTextOnceMore) {
  Screened s{Action::mask};
  s.take(R"({"choices":[{"index":0,"delta":{"content":"a "},"logprobs":{"content":[{"token":"13800138000"}]}}]})");
  EXPECT_EQ(s.out, R"({"choices":[{"index":0,"delta":{"content":"a "},"logprobs":null}]})");
}

}  // namespace
}  // namespace intragate::dialect::openai
