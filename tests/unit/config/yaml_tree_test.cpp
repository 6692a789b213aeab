#include "config/yaml_tree.h"

#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

struct Parsed {
  std::optional<Node> root;
  std::string problems;
};

Parsed parse(std::string_view text) {
  Problems problems{"t.yaml"};
  Parsed parsed{.root = parse_yaml(text, problems), .problems = {}};
  for (const Problem& problem : problems.take_problems()) parsed.problems += problem.text() + '\n';
  return parsed;
}

std::string refusal(std::string_view text) {
  const Parsed parsed = parse(text);
  EXPECT_FALSE(parsed.root) << text;
  return parsed.problems;
}

TEST(YamlTree, KeepsWhatStandsWhere) {
  const Parsed parsed = parse("a: 1\nlist:\n  - x\n  - {b: \"y\"}\nnone:\n");
  ASSERT_TRUE(parsed.root) << parsed.problems;
  ASSERT_EQ(parsed.root->items.size(), 3U);
  ASSERT_EQ(parsed.root->labels.size(), 3U);
  EXPECT_EQ(parsed.root->labels[1].key, "list");
  EXPECT_EQ(parsed.root->labels[1].place.line, 2);
  EXPECT_EQ(parsed.root->labels[1].place.column, 1);
  const Node& list = parsed.root->items[1];
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].text, "x");
  EXPECT_EQ(list.items[0].place.line, 3);
  EXPECT_EQ(list.items[0].place.column, 5);
  EXPECT_EQ(list.items[1].items[0].text, "y");
  EXPECT_EQ(parsed.root->items[2].kind, Node::Kind::null);
  EXPECT_EQ(parsed.root->items[2].place.line, 5) << "a missing value stands where its key does";
}

TEST(YamlTree, ReportsDuplicateKeysAndGoesOn) {
  const Parsed parsed = parse("a: 1\nb: 2\na: 3\nb: 4\n");
  ASSERT_TRUE(parsed.root);
  EXPECT_EQ(parsed.problems,
            "t.yaml:3:1: the key `a` stands here a second time; the first one is in line 1\n"
            "t.yaml:4:1: the key `b` stands here a second time; the first one is in line 2\n");
  EXPECT_EQ(parsed.root->items.size(), 2U);
  EXPECT_EQ(parsed.root->items[0].text, "1");
}

TEST(YamlTree, RefusesWhatUnfolds) {
  EXPECT_TRUE(contains(refusal("a: &x [1]\nb: [*x, *x]\n"), "t.yaml:1:4: anchors (`&name`) are not available here"));
  EXPECT_TRUE(contains(refusal("a: *x\n"), "t.yaml:1:4: "));
  EXPECT_TRUE(contains(refusal("a: !!binary aGk=\n"), "tags"));
  EXPECT_TRUE(contains(refusal("a: !x {}\n"), "tags"));
}

TEST(YamlTree, ExplainsABareStar) {
  EXPECT_TRUE(contains(refusal("models: [*]\n"), "write `\"*\"` in quotes"));
  EXPECT_TRUE(contains(refusal("name: *\n"), "write `\"*\"` in quotes"));
}

TEST(YamlTree, SaysWhatNewcomersGotWrong) {
  EXPECT_TRUE(contains(refusal("keys:\n  - {name: a, key: ${KEY}}\n"), "write `\"${NAME}\"` in quotes"));
  EXPECT_TRUE(contains(refusal("a:\n  - b: 1\n\tc: 2\n"), "indent with spaces, not tabs"));
  EXPECT_TRUE(contains(refusal("data_dir\uFF1A ./x\nlisten: []\n"), "not the full-width `\uFF1A`"));
  EXPECT_FALSE(contains(refusal("a: \"${KEY}\" # \uFF1A\nb: [1\n"), "; "));
}

TEST(YamlTree, RefusesWhatIsNoYaml) {
  EXPECT_TRUE(contains(refusal("a: [1, 2\n"), "this is not YAML"));
  EXPECT_EQ(refusal("b: 1\na: \"x\nc: 2\n"),
            "t.yaml:2:1: this is not YAML: a quote behind this place is never closed\n");
  EXPECT_TRUE(contains(refusal("a: 'x"), "never closed"));
  EXPECT_TRUE(contains(refusal("a: 1\n b: 2\n"), "t.yaml:2:"));
  EXPECT_TRUE(contains(refusal("\tb: 1\n"), "this is not YAML"));
  EXPECT_TRUE(contains(refusal("? [a]\n: 1\n"), "a key must be a plain word"));
  EXPECT_TRUE(contains(refusal(""), "the file is empty"));
  EXPECT_TRUE(contains(refusal("# nothing\n"), "the file is empty"));
  EXPECT_TRUE(contains(refusal("a: 1\n---\nb: 1\n"), "more than one YAML document"));
}

TEST(YamlTree, RefusesBytesThatAreNoText) {
  EXPECT_TRUE(contains(refusal(std::string_view{"a: 1\nb: \0", 9}), "t.yaml:2:4: a control character"));
  EXPECT_TRUE(contains(refusal("a: \x04\nb: 1\n"), "t.yaml:1:4: a control character"));
  EXPECT_TRUE(contains(refusal("a: \xC3\x28"), "not UTF-8"));
  EXPECT_TRUE(contains(refusal("\xFF\xFE"
                               "a"),
                       "not UTF-8"));
}

TEST(YamlTree, BoundsSizeDepthAndNumber) {
  EXPECT_TRUE(contains(refusal(std::string(kLargestFile + 1, ' ')), "larger than 1 MiB"));
  EXPECT_TRUE(contains(refusal("a: " + std::string(kDeepestNesting, '[')), "nested more than"));
  EXPECT_TRUE(contains(refusal(std::string(500'000, '[')), "t.yaml:"));
  EXPECT_TRUE(contains(refusal(std::string(500'000, '{')), "t.yaml:"));
  std::string many = "a: [";
  for (std::size_t i = 0; i < kMostNodes; ++i) many += "1,";
  EXPECT_TRUE(contains(refusal(many + "1]"), "more than 50000 values"));
}

TEST(YamlTree, ReadsAByteOrderMarkAndWindowsLineEnds) {
  const Parsed parsed = parse(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: x\r\n");
  ASSERT_TRUE(parsed.root) << parsed.problems;
  EXPECT_EQ(parsed.root->labels[0].key, "a");
  EXPECT_EQ(parsed.root->items[1].text, "x");
}

TEST(YamlTree, JsonIsYaml) {
  const Parsed parsed = parse("{\n \"a\": [\"\\u00e4\", 1, true, null],\n \"b\": {}\n}\n");
  ASSERT_TRUE(parsed.root) << parsed.problems;
  EXPECT_EQ(parsed.root->items[0].items[0].text, "ä");
  EXPECT_EQ(parsed.root->items[0].items[3].kind, Node::Kind::null);
}

}  // namespace
}  // namespace intragate::config
