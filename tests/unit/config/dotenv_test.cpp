#include "config/dotenv.h"

#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

Environment read(std::string_view text) {
  Environment variables;
  const std::vector<Problem> problems = parse_dotenv(text, ".env", variables);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.text();
  return variables;
}

std::string problem_of(std::string_view text) {
  Environment variables;
  const std::vector<Problem> problems = parse_dotenv(text, ".env", variables);
  return problems.empty() ? "" : problems.front().text();
}

TEST(Dotenv, ReadsNamesAndValues) {
  const Environment expected{{"A", "1"}, {"B_2", "two words"}, {"C", ""}, {"D", "x=y"}, {"E", "http://h:1/#top"}};
  EXPECT_EQ(read("A=1\nexport B_2=two words  \r\n\n  C=\nD = x=y\nE=http://h:1/#top"), expected);
}

TEST(Dotenv, CommentsBeginLinesOrFollowASpace) {
  const Environment expected{{"A", "1"}, {"B", "2#3"}, {"C", ""}, {"D", "#d"}};
  EXPECT_EQ(read("# A=0\n  # indented\nA=1 # one\nB=2#3\t# two\nC= # nothing\nD=#d\n"), expected);
}

TEST(Dotenv, QuotesKeepWhatTheyHold) {
  const Environment expected{{"S", " a # b \\n $x "}, {"D", "a\n\t\"\\$ #"}, {"E", ""}};
  EXPECT_EQ(read("S=' a # b \\n $x ' # comment\nD=\"a\\n\\t\\\"\\\\\\$ #\"\nE=''\n"), expected);
}

TEST(Dotenv, AByteOrderMarkIsNoPartOfTheFirstName) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "A=1"),
            (Environment{{"A", "1"}}));
}

TEST(Dotenv, NamesThePlaceOfWhatItCannotRead) {
  EXPECT_EQ(problem_of("A=1\n  nonsense\n"), ".env:2:3: this line is not of the form NAME=value");
  EXPECT_TRUE(contains(problem_of("1A=2"), "is not a variable's name"));
  EXPECT_TRUE(contains(problem_of("A B=2"), "is not a variable's name"));
  EXPECT_TRUE(contains(problem_of("=2"), "is not a variable's name"));
  EXPECT_TRUE(contains(problem_of("A='x"), "not closed"));
  EXPECT_TRUE(contains(problem_of("A=\"x\\\""), "not closed"));
  EXPECT_TRUE(contains(problem_of("A=\"x\" y"), "behind the closing quote"));
  EXPECT_TRUE(contains(problem_of("A=\"\\q\""), "unknown escape"));
  EXPECT_EQ(problem_of("A=1\nB=2\nA=3"), ".env:3:1: A stands here a second time; the first one is in line 1");
}

TEST(Dotenv, NeverRepeatsAValueThatItCannotRead) {
  EXPECT_FALSE(contains(problem_of("KEY='sk-secret"), "sk-secret"));
  EXPECT_FALSE(contains(problem_of("KEY=\"sk-secret\\q\""), "sk-secret"));
}

TEST(Dotenv, RefusesWhatIsNoText) {
  EXPECT_EQ(problem_of(std::string_view{"A=1\nB=\0", 7}), ".env:2:3: a control character; save the file as UTF-8 text");
  EXPECT_TRUE(contains(problem_of("A=\xFF"), "not UTF-8"));
  EXPECT_TRUE(contains(problem_of(std::string((1U << 20) + 1, '#')), "larger than 1 MiB"));
}

TEST(Dotenv, EndsAtAHundredProblems) {
  Environment variables;
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "nonsense\n";
  const std::vector<Problem> problems = parse_dotenv(text, ".env", variables);
  ASSERT_EQ(problems.size(), Problems::kMost + 1);
  EXPECT_TRUE(contains(problems.back().message, "more problems"));
}

}  // namespace
}  // namespace intragate::config
