#include "base/json_skip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "fuzz/json_reference.h"

namespace intragate::json {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

class Skipping : public testing::TestWithParam<Skipper> {
 protected:
  static std::size_t string(std::string_view text, std::size_t from = 0) { return GetParam().string(text, from); }
  static std::size_t container(std::string_view text, std::size_t from = 0) { return GetParam().container(text, from); }
};

TEST_P(Skipping, FindsTheEndOfAStringAtEveryPlace) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string text = std::string(length, 'x') + '"' + std::string(length % 7, 'y');
    EXPECT_EQ(string(text), length + 1);
    EXPECT_EQ(string(std::string(length, 'x')), kNone);
  }
}

TEST_P(Skipping, KnowsWhichQuotesAreEscapedAcrossBlocks) {
  for (std::size_t before = 50; before < 70; ++before) {
    for (std::size_t run = 0; run < 140; ++run) {
      const std::string text = std::string(before, 'x') + std::string(run, '\\') + '"' + std::string(80, 'y') + '"';
      EXPECT_EQ(string(text), before + run + 1 + (run % 2 == 1 ? 81 : 0)) << before << ' ' << run;
    }
  }
}

TEST_P(Skipping, FindsTheEndOfAContainerAtEveryPlace) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string text = '[' + std::string(length, ' ') + "]]]";
    EXPECT_EQ(container(text), length + 2);
  }
}

TEST_P(Skipping, CountsDepthWithoutLimit) {
  constexpr std::size_t kDepth = 1'000'000;
  const std::string text = std::string(kDepth, '[') + std::string(kDepth, ']');
  EXPECT_EQ(container(text), text.size());
  EXPECT_EQ(container(std::string(kDepth, '{')), kNone);
}

TEST_P(Skipping, IgnoresBracketsInStrings) {
  for (std::size_t length = 0; length < 130; ++length) {
    const std::string text = "{\"" + std::string(length, ']') + R"(\"}":["[["]})";
    EXPECT_EQ(container(text + "}"), text.size());
  }
}

TEST_P(Skipping, RefusesABackslashOutsideAString) {
  EXPECT_EQ(container(R"([\"])"), kNone);
  EXPECT_EQ(container("[" + std::string(100, ' ') + R"(\])"), kNone);
  EXPECT_EQ(container(R"([1] \)"), 3U);  // behind the end: not ours to judge
}

TEST_P(Skipping, StartsWhereItIsTold) {
  const std::string text = std::string(61, ' ') + R"({"a":[1,{"b":"}"}]},{)";
  EXPECT_EQ(container(text, 61), text.size() - 2);
  EXPECT_EQ(string(text, 63), 65U);
  EXPECT_EQ(string(text, text.size()), kNone);
  EXPECT_EQ(string("", 0), kNone);
}

TEST_P(Skipping, AgreesWithTheReferenceOnRandomTexts) {
  constexpr std::string_view kAlphabet = R"({}[]""\\ ax)";
  std::mt19937 random{20260901};
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 300, ' ');
    const std::size_t variety = 1 + random() % kAlphabet.size();  // fewer kinds of characters make longer structures
    for (char& c : text) c = kAlphabet[(random() % variety + static_cast<unsigned>(round)) % kAlphabet.size()];
    const std::size_t from = text.empty() ? 0 : random() % text.size();
    ASSERT_EQ(string(text, from), reference::string_end(text, from)) << text;
    const std::size_t bracket = text.find_first_of("{[", from);
    if (bracket == kNone) continue;
    ASSERT_EQ(container(text, bracket), reference::container_end(text, bracket)) << text << " from " << bracket;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Skipping, testing::ValuesIn(skippers().begin(), skippers().end()),
                         [](const auto& each) { return std::string{each.param.name}; });

TEST(Skippers, EndWithThePortableOne) {
  EXPECT_EQ(skippers().back().name, "portable");
}

}  // namespace
}  // namespace intragate::json
