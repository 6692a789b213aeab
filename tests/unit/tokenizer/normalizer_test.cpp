#include "tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "jinja/json.h"

namespace intragate::tokenizer {
namespace {

std::string normalized(std::string_view config, std::string_view text) {
  const Result<Normalizer> made = Normalizer::make(*jinja::from_json(config));
  EXPECT_TRUE(made) << made.error().message;
  return made ? made->apply(std::string{text}).value_or("too hard") : std::string{};
}

TEST(Normalizer, BringsTextsIntoOneForm) {
  EXPECT_EQ(normalized("null", "ä"), "ä");
  EXPECT_EQ(normalized(R"({"type":"NFC"})", "a\u0308"), "ä");
  EXPECT_EQ(normalized(R"({"type":"NFD"})", "ä"), "a\u0308");
  EXPECT_EQ(normalized(R"({"type":"NFKC"})", "ﬁ"), "fi");
  EXPECT_EQ(normalized(R"({"type":"Lowercase"})", "ÄİX"), "äi\u0307x");
  EXPECT_EQ(normalized(R"({"type":"Prepend","prepend":"_"})", "x"), "_x");
  EXPECT_EQ(normalized(R"({"type":"Prepend","prepend":"_"})", ""), "");
  EXPECT_EQ(normalized(R"({"type":"Replace","pattern":{"String":"aa"},"content":"b"})", "aaa"), "ba");
  EXPECT_EQ(normalized(R"({"type":"NFC"})", "\xFF"), "\xFF");  // no text: nobody's to change
}

TEST(Normalizer, KnowsBert) {
  EXPECT_EQ(normalized(R"({"type":"BertNormalizer"})", "\u00c4 A\u200b\tB\u4f60"), "a a b 你 ");
  EXPECT_EQ(normalized(R"({"type":"BertNormalizer","lowercase":false})", "Ä"), "Ä");
  EXPECT_EQ(normalized(R"({"type":"BertNormalizer","lowercase":false,"strip_accents":true})", "Ä"), "A");
  EXPECT_EQ(normalized(R"({"type":"BertNormalizer","handle_chinese_chars":false,"clean_text":false})", "你\t"), "你\t");
}

TEST(Normalizer, StripsAccentsAndWhiteSpaceAndReplacesExpressions) {
  EXPECT_EQ(normalized(R"({"type":"StripAccents"})", "a\u0301ä"), "aä");
  EXPECT_EQ(normalized(R"({"type":"Strip","strip_left":true,"strip_right":false})", "\u3000 a "), "a ");
  EXPECT_EQ(normalized(R"({"type":"Strip","strip_left":false,"strip_right":true})", " a \u3000\n"), " a");
  EXPECT_EQ(normalized(R"({"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"})", "a   b c  "), "a▁b c▁");
  EXPECT_EQ(
      normalized(R"({"type":"Replace","pattern":{"Regex":"(a+)+(a+)+$"},"content":""})", std::string(3000, 'a') + "b"),
      "too hard");
}

std::string unit(std::uint32_t value) {
  std::string out;
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
  return out;
}

// {"a": "bc"}: the root leads to the unit 0 ^ 1 ^ 'a', and that to its leaf.
std::string map_of_a() {
  std::string array;
  for (std::uint32_t at = 0; at < 256; ++at) {
    std::uint32_t value = 0;
    if (at == 0) value = 1U << 10U;
    if (at == (1U ^ 'a')) value = (2U << 10U) | (1U << 8U) | 'a';
    if (at == (1U ^ 'a' ^ 2U)) value = 1U << 31U;
    array += unit(value);
  }
  return base64(unit(static_cast<std::uint32_t>(array.size())) + array + std::string{"bc\0", 3});
}

TEST(Charsmap, ReplacesWhatItKnows) {
  const std::string config = R"({"type":"Precompiled","precompiled_charsmap":")" + map_of_a() + "\"}";
  EXPECT_EQ(normalized(config, "xay"), "xbcy");
  EXPECT_EQ(normalized(config, ""), "");
  EXPECT_EQ(normalized(config, "a\u0301"), "bc") << "a cluster that begins with it is replaced whole";
}

TEST(Charsmap, NeverLeavesItsArray) {
  EXPECT_FALSE(Charsmap::make("no base64"));
  EXPECT_FALSE(Charsmap::make(""));
  EXPECT_FALSE(Charsmap::make(base64(unit(8) + unit(1))));
  EXPECT_FALSE(Charsmap::make(base64(unit(3) + "abc")));
  for (const std::uint32_t wild : {0xFFFFFFFFU, 0x000FFF00U, 0x80000000U, 0x00000561U}) {
    const Result<Charsmap> made = Charsmap::make(base64(unit(12) + unit(wild) + unit(wild) + unit(wild)));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->apply("abcä你").empty(), false);
  }
}

}  // namespace
}  // namespace intragate::tokenizer
