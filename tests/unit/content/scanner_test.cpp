#include "content/scanner.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace intragate::content {
namespace {

Rule rule_of(std::vector<std::string> words, Kinds kinds, const std::vector<std::string>& patterns = {}) {
  Rule rule;
  rule.kinds = kinds;
  if (!words.empty()) rule.words = *WordList::make(std::move(words));
  for (const std::string& pattern : patterns) rule.patterns.push_back(*Pattern::make(pattern));
  return rule;
}

const Rules& sample_rules() {
  static const Rule words = rule_of({"secret plan", "机密", "密件", "plan b", "c机"}, Kinds{}.set());
  static const Rules rules{&words};
  return rules;
}

struct Seen {
  std::string text;
  std::vector<Finding> found;
  std::size_t most_held = 0;
};

void take(Seen& seen, const Scanner::Cleared& cleared) {
  EXPECT_EQ(cleared.offset, seen.text.size());
  seen.text += cleared.text;
  for (const Finding& one : cleared.found) {
    EXPECT_LE(cleared.offset, one.begin);
    EXPECT_LE(one.end, cleared.offset + cleared.text.size());
    seen.found.push_back(one);
  }
}

Seen scan(std::string_view text, std::size_t piece, const Rules& rules = sample_rules()) {
  Scanner scanner{rules};
  Seen seen;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    take(seen, scanner.feed(text.substr(at, piece)));
    seen.most_held = std::max(seen.most_held, scanner.held());
  }
  take(seen, scanner.finish());
  return seen;
}

TEST(Scanner, WhatIsSplitOverPiecesIsFoundAllTheSame) {
  const std::string text =
      "call 138 1234 5678 or a@b.cn about the Secret Plan "
      "B 绝机密件 11010519491231002X, 10.0.0.1";
  const Seen whole = scan(text, text.size());
  ASSERT_EQ(whole.found.size(), 6U);
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    const Seen cut = scan(text, piece);
    EXPECT_EQ(cut.text, text);
    EXPECT_EQ(cut.found, whole.found) << piece;
  }
}

TEST(Scanner, RandomTextCutAtRandomIsTheSame) {
  Random random{11};
  const std::vector<std::string> parts{"138",      " ",      "1234",  "5678",
                                       "-",        "机",     "密",    "件",
                                       "c",        "secret", " plan", " b",
                                       "a@b.cn",   ".",      "x",     "4111 1111 1111 1111",
                                       "10.0.0.1", "86",     "+",     "sk-abcdefghijklmnopqrstuvwx"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (std::uint64_t i = random.next() % 20 + 1; i > 0; --i) text += parts[random.next() % parts.size()];
    if (text.size() > kLongestRun) continue;
    const Seen whole = scan(text, text.size());
    const Seen cut = scan(text, random.next() % 7 + 1);
    EXPECT_EQ(cut.text, text);
    EXPECT_EQ(cut.found, whole.found) << text;
  }
}

TEST(Scanner, ChineseTextIsNotHeldBack) {
  Scanner scanner{sample_rules()};
  const std::string text = "今天天气很好。";
  EXPECT_EQ(scanner.feed(text).text, text);
  EXPECT_EQ(scanner.feed("机").text, "") << "may become a word";
  EXPECT_EQ(scanner.feed("会").text, "机会");
}

TEST(Scanner, WhatIsHeldBackIsBounded) {
  for (const std::string& text : {std::string(100'000, 'a'), std::string(100'000, '1'), [] {
                                    std::string groups;
                                    for (int i = 0; i < 20'000; ++i) groups += "12 34";
                                    return groups;
                                  }()}) {
    const Seen seen = scan(text, 333);
    EXPECT_LE(seen.most_held, kMostHeld);
    EXPECT_EQ(seen.text, text);
  }
  const Rule chain = rule_of({"aba"}, Kinds{});
  const Rules rules{&chain};
  Scanner scanner{rules};
  Seen seen;
  for (int i = 0; i < 5'000; ++i) {
    take(seen, scanner.feed("ab"));
    EXPECT_LE(scanner.held(), kMostHeld);
  }
  take(seen, scanner.finish());
  EXPECT_EQ(seen.text.size(), 10'000U);
  std::uint64_t covered = 0;
  for (const Finding& one : seen.found) covered += one.end - one.begin;
  EXPECT_GE(covered, 9'990U) << "words that overlap without an end are still found";
}

TEST(Scanner, ExpressionsAreFoundHoweverTheTextIsCut) {
  const Rule codes = rule_of({}, Kinds{}, {"PRJ-[0-9]{4,6}", R"(\bkey\b)", "(?i)top +secret", "项目[一二三]号?"});
  const Rule numbers = rule_of({"项目"}, Kinds{0b111});
  const Rules rules{&codes, &numbers};
  const std::string text =
      "see PRJ-12345, PRJ-1234567 and PRJ-12; the key, a monkey, keyless, ToP   sEcret 项目二号 项目三 13800138000 "
      "PRJ-99999";
  const Seen whole = scan(text, text.size(), rules);
  EXPECT_EQ(whole.found.size(), 10U);
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    const Seen cut = scan(text, piece, rules);
    EXPECT_EQ(cut.text, text);
    EXPECT_EQ(cut.found, whole.found) << piece;
  }
}

TEST(Scanner, NothingIsHeldBackWhereNothingCanBegin) {
  const Rule rule = rule_of({"secret"}, Kinds{0b111}, {"PRJ-[0-9]{4}"});
  const Rules rules{&rule};
  Scanner scanner{rules};
  EXPECT_EQ(scanner.feed("hello wor").text, "hello wor");
  EXPECT_EQ(scanner.feed("ld PR").text, "ld ");
  EXPECT_EQ(scanner.feed("INT and PRJ-12").text, "PRINT and ");
  EXPECT_EQ(scanner.feed("x s").text, "PRJ-12x ") << "s may begin a word";
  EXPECT_EQ(scanner.feed("ay 13").text, "say ");
  EXPECT_EQ(scanner.feed(" is").text, "13 i");
}

TEST(Scanner, WhatIsHeldForAnExpressionWithoutEndIsBounded) {
  const Rule rule = rule_of({}, Kinds{}, {"a.*b"});
  const Rules rules{&rule};
  const std::string text = "a" + std::string(10'000, 'x');
  const Seen seen = scan(text, 100, rules);
  EXPECT_EQ(seen.text, text);
  EXPECT_LE(seen.most_held, kMostHeld);
}

// Each of these took a time that grew with the square of the text: minutes to hours for what follows.
TEST(Scanner, AChainOfFindingsThatOverlapIsWalkedOnce) {
  std::string chain;
  while (chain.size() < 1'000'000) chain += "ab";
  const Rule ab = rule_of({"ab"}, {});
  const Rule ba = rule_of({"ba"}, {});
  const Rule patterns = rule_of({}, {}, {"ab", "ba"});
  EXPECT_EQ(scan(chain, chain.size(), {&ab, &ba}).text, chain);
  EXPECT_EQ(scan(chain, chain.size(), {&patterns}).found.size(), 999'999U);
}

TEST(Scanner, AMatchThatMightBeLongerCostsALookAtAWindowOnly) {
  const Rule rule = rule_of({}, {}, {"(?s)a(.*z)?"});
  const std::string text(50'000, 'a');
  EXPECT_EQ(scan(text, text.size(), {&rule}).found.size(), text.size());
}

TEST(Scanner, LongMatchesOfWholeTextsAreFoundWhereverTheyStand) {
  const Rule rule = rule_of({}, {}, {"BEGIN[^-]*END|[0-9]{4}"});
  for (std::size_t before = 0; before < 12'000; before += 500) {
    const std::string text =
        std::string(before, '.') + "BEGIN" + std::string(4000, '.') + "END 1234" + std::string(9000, '.');
    const Seen seen = scan(text, text.size(), {&rule});
    ASSERT_EQ(seen.found.size(), 2U) << before;
    EXPECT_EQ(seen.found[0].end - seen.found[0].begin, 4008U);
  }
}

}  // namespace
}  // namespace intragate::content
