#include "tokenizer/split.h"

#include <gtest/gtest.h>

#include "jinja/json.h"

namespace intragate::tokenizer {
namespace {

// The words with a | between two.
std::string split(std::string_view config, std::string_view text, bool first = true) {
  const Result<Splitter> made = Splitter::make(*jinja::from_json(config));
  EXPECT_TRUE(made) << made.error().message;
  if (!made) return {};
  Words words;
  words.words.push_back(text);
  EXPECT_TRUE(made->split(words, first));
  std::string out;
  for (const std::string_view word : words.words) out += (out.empty() ? "" : "|") + std::string{word};
  return out;
}

TEST(Splitter, CutsAsItsKindSays) {
  EXPECT_EQ(split("null", "a b"), "a b");
  EXPECT_EQ(split(R"({"type":"ByteLevel","add_prefix_space":false})", "I'm 12 x!"), "I|'m| 12| x|!");
  EXPECT_EQ(split(R"({"type":"ByteLevel","add_prefix_space":true})", "ab c"), " ab| c");
  EXPECT_EQ(split(R"({"type":"Split","pattern":{"String":"-"},"behavior":"Isolated"})", "a-b-"), "a|-|b|-");
  EXPECT_EQ(split(R"({"type":"Split","pattern":{"String":"-"},"behavior":"Removed"})", "a-b-"), "a|b");
  EXPECT_EQ(split(R"({"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithPrevious"})", "a-b-"), "a-|b-");
  EXPECT_EQ(split(R"({"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Removed","invert":true})", "ab, cd"),
            "ab|cd");
  EXPECT_EQ(split(R"({"type":"Digits","individual_digits":true})", "a12"), "a|1|2");
  EXPECT_EQ(split(R"({"type":"Digits","individual_digits":false})", "a12"), "a|12");
  EXPECT_EQ(split(R"({"type":"Metaspace"})", "ab cd"), "▁ab|▁cd");
  EXPECT_EQ(split(R"({"type":"Metaspace","prepend_scheme":"first","split":false})", "ab cd"), "▁ab▁cd");
  EXPECT_EQ(split(R"({"type":"Metaspace","prepend_scheme":"first","split":false})", "ab cd", false), "ab▁cd");
  EXPECT_EQ(split(R"({"type":"Metaspace","prepend_scheme":"never","split":false})", "ab cd"), "ab▁cd");
}

TEST(Splitter, KnowsWordsAsBertHasThem) {
  EXPECT_EQ(split(R"({"type":"BertPreTokenizer"})", " Hi, it's\n$5 。x "), "Hi|,|it|'|s|$|5|。|x");
  EXPECT_EQ(split(R"({"type":"Whitespace"})", "a_b--c é\u0301 ,"), "a_b|--|c|é\u0301|,");
  EXPECT_EQ(split(R"({"type":"WhitespaceSplit"})", " a\u00a0b\t\u3000c,d "), "a|b|c,d");
  EXPECT_EQ(split(R"({"type":"Punctuation","behavior":"Isolated"})", "a, b!?"), "a|,| b|!|?");
  EXPECT_FALSE(Splitter::make(*jinja::from_json(R"({"type":"Punctuation","behavior":"Contiguous"})")));
}

TEST(Splitter, StepsComeOneBehindTheOther) {
  EXPECT_EQ(split(R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
                      {"type":"ByteLevel","add_prefix_space":false,"use_regex":true}]})",
                  "ab12 c"),
            "ab|1|2| c");
}

}  // namespace
}  // namespace intragate::tokenizer
