#include "dialect/screen_body.h"

#include <gtest/gtest.h>

#include "dialect/openai.h"

namespace intragate::dialect {
namespace {

using content::Action;
using content::Rule;
using content::Rules;

Rule rule_of(Action action, std::vector<std::string> words = {}) {
  Rule rule;
  rule.name = "r";
  rule.action = action;
  if (words.empty()) {
    rule.kinds = content::Kinds{0b111};
  } else {
    rule.words = *content::WordList::make(std::move(words));
  }
  return rule;
}

struct Done {
  std::optional<std::string> changed;
  content::Tally tally;
};

Done screen(std::string_view body, const Rules& rules, BodyScreen::Copies copies = BodyScreen::Copies::kept) {
  Done done{{}, content::Tally{rules.size()}};
  BodyScreen screen{body, rules, done.tally, content::Filter::Mode::as_ruled, copies};
  while (!screen.step()) {
  }
  done.changed = screen.changed();
  return done;
}

const Rule kMask = rule_of(Action::mask);

TEST(BodyScreen, MasksEveryTextAndLeavesAllOtherBytes) {
  const std::string body = R"({ "model":"13800138000","user":"13800138000", "messages" : [
    {"role":"user","content":"\u0031380013\u0038000 \"x\" 好"},
    {"role":"user","content":[{"type":"text","text":"13800138000"}]},
    {"role":"assistant","tool_calls":[{"id":"13800138000","function":{"name":"f","arguments":"{\"p\":\"13800138000\"}"}}]},
    {"role":"tool","tool_call_id":"13800138000","content":"13800138000"}],"tools":[{"d":"13800138000"}],"n":13800138000 })";
  const Done done = screen(body, {&kMask});
  ASSERT_TRUE(done.changed);
  EXPECT_EQ(*done.changed, R"({ "model":"13800138000","user":"13800138000", "messages" : [
    {"role":"user","content":"[mobile_number] \"x\" 好"},
    {"role":"user","content":[{"type":"text","text":"[mobile_number]"}]},
    {"role":"assistant","tool_calls":[{"id":"13800138000","function":{"name":"f","arguments":"{\"p\":\"[mobile_number]\"}"}}]},
    {"role":"tool","tool_call_id":"13800138000","content":"[mobile_number]"}],"tools":[{"d":"[mobile_number]"}],"n":13800138000 })");
  EXPECT_EQ(done.tally.count[0], 5U);
}

TEST(BodyScreen, NothingFoundIsNothingChanged) {
  EXPECT_FALSE(screen(R"({"prompt":"h\u00e9llo","input":["a","b"]})", {&kMask}).changed);
  const Rule note = rule_of(Action::note);
  const Done noted = screen(R"({"input":["13800138000","b"]})", {&note});
  EXPECT_FALSE(noted.changed);
  EXPECT_EQ(noted.tally.count[0], 1U);
}

TEST(BodyScreen, PicturesAreNotText) {
  const std::string picture(2000, '1');
  EXPECT_FALSE(screen(R"({"url":"data:image/png;base64,13800138000=="})", {&kMask}).changed);
  const Rule digits = rule_of(Action::mask, {"1111111"});
  EXPECT_FALSE(screen("{\"data\":\"" + picture + "\"}", {&digits}).changed);
  EXPECT_TRUE(screen(R"({"url":"data:text/plain,13800138000"})", {&kMask}).changed);
  EXPECT_TRUE(screen("{\"data\":\"" + picture + " 13800138000\"}", {&kMask}).changed);
}

TEST(BodyScreen, WhatSaysTheTextOnceMoreIsRemoved) {
  const std::string body =
      R"({"choices":[{"logprobs":{"content":[{"token":"138"}]},"text":"a"},{"logprobs":null,"text":"13800138000"}]})";
  EXPECT_EQ(screen(body, {&kMask}, BodyScreen::Copies::removed).changed,
            R"({"choices":[{"logprobs":null,"text":"a"},{"logprobs":null,"text":"[mobile_number]"}]})");
  EXPECT_EQ(screen(R"({"logprobs":true,"messages":[{"content":"13800138000"}]})", {&kMask}).changed,
            R"({"logprobs":true,"messages":[{"content":"[mobile_number]"}]})");
}

TEST(BodyScreen, ABodyThatIsNoJsonIsOneText) {
  EXPECT_EQ(screen("1\n00:00 --> 00:01\n13800138000\n", {&kMask}).changed, "1\n00:00 --> 00:01\n[mobile_number]\n");
}

TEST(BodyScreen, ARuleMayRefuse) {
  const Rule stop = rule_of(Action::refuse);
  EXPECT_EQ(screen(R"({"messages":[{"content":"13800138000"}]})", {&kMask, &stop}).tally.refused, 1U);
}

TEST(BodyScreen, LongTextsAreLookedThroughInSteps) {
  const std::string text = std::string(200'000, '.') + "13800138000";
  const std::string body = "{\"prompt\":\"" + text + "\"}";
  content::Tally tally{1};
  const Rules rules{&kMask};
  BodyScreen screen{body, rules, tally};
  int steps = 1;
  while (!screen.step()) ++steps;
  EXPECT_EQ(steps, static_cast<int>(text.size() / BodyScreen::kStep) + 1);
  EXPECT_TRUE(screen.changed());
}

TEST(Texts, TokensAreNoText) {
  const auto tokens = [](llm::Api api, std::string_view body) {
    return is_tokens(*openai::understand(api, body), body);
  };
  EXPECT_TRUE(tokens(llm::Api::completions, R"({"model":"m","prompt":[1,2]})"));
  EXPECT_TRUE(tokens(llm::Api::embeddings, R"({"model":"m","input":["a",[1]]})"));
  EXPECT_FALSE(tokens(llm::Api::embeddings, R"({"model":"m","input":["a"]})"));
}

}  // namespace
}  // namespace intragate::dialect
