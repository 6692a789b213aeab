#include "content/filter.h"

#include <gtest/gtest.h>

namespace intragate::content {
namespace {

Rule rule_of(std::string name, Action action, Kinds kinds, std::vector<std::string> words = {}) {
  Rule rule;
  rule.name = std::move(name);
  rule.action = action;
  rule.kinds = kinds;
  if (!words.empty()) rule.words = *WordList::make(std::move(words));
  return rule;
}

struct Done {
  std::string text;
  Tally tally;
};

Done filter(const Rules& rules, std::string_view text, std::size_t piece, Filter::Mode mode = Filter::Mode::as_ruled) {
  Done done{{}, Tally{rules.size()}};
  Filter filter{rules, done.tally, mode};
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!filter.feed(text.substr(at, piece), done.text)) return done;
  }
  (void)filter.finish(done.text);
  return done;
}

const Rule kNumbers = rule_of("numbers", Action::mask, Kinds{0b111});
const Rule kWords = rule_of("words", Action::mask, {}, {"order 138", "plan"});
const Rule kNote = rule_of("watch", Action::note, {}, {"hello"});
const Rule kStop = rule_of("stop", Action::refuse, {}, {"top secret"});

TEST(Filter, MasksHoweverTheTextIsCut) {
  const Rules rules{&kNumbers, &kNote};
  const std::string text = "hello 13800138000, hello 4111 1111 1111 1111.";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Done done = filter(rules, text, piece);
    EXPECT_EQ(done.text, "hello [mobile_number], hello [bank_card].") << piece;
    EXPECT_EQ(done.tally.count, (std::vector<std::uint32_t>{2, 2}));
  }
}

TEST(Filter, FindingsThatOverlapBecomeOneMaskNamedByTheFirstRule) {
  const std::string text = "order 13800138000";
  EXPECT_EQ(filter({&kNumbers, &kWords}, text, 3).text, "[mobile_number]");
  EXPECT_EQ(filter({&kWords, &kNumbers}, text, 3).text, "[words]");
  EXPECT_EQ(filter({&kWords, &kNumbers}, text, 3).tally.count, (std::vector<std::uint32_t>{1, 1}));
}

TEST(Filter, ARefusedTextEndsBeforeTheFinding) {
  const Rules rules{&kNumbers, &kStop};
  const std::string text = "call 13800138000 on the Top Secret line";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Done done = filter(rules, text, piece);
    EXPECT_EQ(done.text, "call [mobile_number] on the ") << piece;
    EXPECT_EQ(done.tally.refused, 1U);
  }
}

TEST(Filter, NotesChangeNothingUnlessEverythingIsToBeMasked) {
  EXPECT_EQ(filter({&kNote}, "hello you", 1).text, "hello you");
  EXPECT_EQ(filter({&kNote, &kStop}, "hello top secret", 1, Filter::Mode::masks).text, "[watch] [stop]");
}

}  // namespace
}  // namespace intragate::content
