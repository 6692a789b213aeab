// `content_rules` of the file.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "loading.h"

namespace intragate::config {
namespace {

Loaded load_rules(const std::string& rules) {
  return load(std::string{kOneModel} + "content_rules: [" + rules + "]\n");
}

std::string file_with(std::string_view text) {
  const std::filesystem::path path =
      std::filesystem::path{testing::TempDir()} / ("words-" + std::to_string(std::hash<std::string_view>{}(text)));
  std::ofstream{path} << text;
  return path.string();
}

TEST(ConfigContentRules, ReadEveryKey) {
  const std::string words = file_with("\xEF\xBB\xBF# comment\r\n\r\n one word \r\n机密\n");
  const Loaded loaded = load_rules("{name: a.b-c_1, detect: [email, id_card], patterns: ['a+b'], words: '" + words +
                                   "', action: refuse, in: answer, keys: [dify, \"!x*\"], models: [\"!y\"]}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  const ContentRule& read = loaded.config.content_rules.at(0);
  EXPECT_EQ(read.rule->name, "a.b-c_1");
  EXPECT_EQ(read.rule->action, content::Action::refuse);
  EXPECT_FALSE(read.rule->looks_into(content::Where::prompt));
  EXPECT_TRUE(read.rule->looks_into(content::Where::answer));
  EXPECT_EQ(read.rule->kinds.to_ulong(), 0b1010U);
  EXPECT_EQ(read.rule->patterns.size(), 1U);
  EXPECT_EQ(read.rule->words.states(), 1 + std::string_view{"one word机密"}.size());
  EXPECT_TRUE(read.is_for("dify", "m"));
  EXPECT_FALSE(read.is_for("dify", "y"));
  EXPECT_FALSE(read.is_for("other", "m"));
  EXPECT_FALSE(read.is_for("xyz", "m"));
  EXPECT_EQ(loaded.config.files, std::vector<std::string>{words}) << "a change of it is a reload";
}

TEST(ConfigContentRules, AreForEveryCallUnlessTheySayMore) {
  const Loaded loaded = load_rules("{name: a, detect: [email], action: mask}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_TRUE(loaded.config.content_rules.at(0).is_for("k", "m"));
  EXPECT_TRUE(loaded.config.content_rules.at(0).rule->looks_into(content::Where::prompt));
}

TEST(ConfigContentRules, AModelIsMeantByEachOfItsNames) {
  const auto rules = [](const std::string& models) {
    return load(
        "models: [{name: m, aliases: [gpt-4o], endpoints: [{url: \"http://10.0.0.1\"}]}]\n"
        "content_rules: [{name: a, detect: [email], action: mask, models: [" +
        models + "]}]\n");
  };
  EXPECT_TRUE(rules("\"gpt*\"").config.content_rules.at(0).is_for("k", "m"));
  EXPECT_FALSE(rules("\"!gpt-4o\"").config.content_rules.at(0).is_for("k", "m"));
  EXPECT_TRUE(contains(all_warnings(rules("gtp-4o")), "there is no model `gtp-4o`"));
}

TEST(ConfigContentRules, WhatIsWrongIsSaidWithItsPlace) {
  const auto problems = [](const std::string& rule) { return all_problems(load_rules(rule)); };
  EXPECT_TRUE(contains(problems("{name: a, action: mask}"), "test.yaml:2:17: content_rules[0] looks for nothing"));
  EXPECT_TRUE(contains(problems("{name: a, action: mask, detect: [emial]}"), "did you mean `email`?"));
  EXPECT_TRUE(
      contains(problems("{name: a, action: mask, patterns: [ok, 'a(b']}"), "test.yaml:2:56: the pattern `a(b`"));
  EXPECT_TRUE(contains(problems("{name: a, action: mask, patterns: ['a*']}"), "everywhere"));
  EXPECT_TRUE(contains(problems("{name: 'a b', action: mask, detect: [email]}"), "at most 64 letters"));
  EXPECT_TRUE(contains(problems("{name: a, action: hide, detect: [email]}"), "`hide`"));
  EXPECT_TRUE(contains(problems("{name: a, detect: [email]}"), "action"));
  EXPECT_TRUE(contains(problems("{name: a, action: note, detect: [email]}, {name: a, action: note, detect: [email]}"),
                       "already taken"));
  EXPECT_TRUE(contains(problems("{name: a, action: note, words: /nowhere/words}"), "does not exist"));
  EXPECT_TRUE(contains(problems("{name: a, action: note, words: '" + file_with("\n# x\n") + "'}"), "has no words"));
  EXPECT_TRUE(contains(problems("{name: a, action: note, words: '" + file_with("ok\n\xFF\n") + "'}"), "line 2"));
  EXPECT_TRUE(contains(problems("{name: a, action: note, words: '" + file_with(std::string(300, 'x')) + "'}"), "256"));
  std::string many;
  for (int i = 0; i < 33; ++i) many += "x,";
  EXPECT_TRUE(contains(problems("{name: a, action: note, patterns: [" + many + "]}"), "at most 32"));
}

TEST(ConfigContentRules, AHundredThousandWordsAreRead) {
  std::string list;
  for (int i = 0; i < 100'000; ++i) list += "word-" + std::to_string(i * 7919) + '\n';
  const Loaded loaded = load_rules("{name: a, action: note, words: '" + file_with(list) + "'}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_GT(loaded.config.content_rules.at(0).rule->words.states(), 100'000U);
}

}  // namespace
}  // namespace intragate::config
