#include "base/text.h"

#include <gtest/gtest.h>

#include <array>

namespace intragate::text {
namespace {

TEST(ClosestWord, FindsWhatWasMeant) {
  constexpr std::array<std::string_view, 4> kKnown{"timeouts", "first_byte", "name", "retry"};
  EXPECT_EQ(closest_word("timeout", kKnown), "timeouts");   // a letter dropped
  EXPECT_EQ(closest_word("timoeuts", kKnown), "timeouts");  // two letters swapped
  EXPECT_EQ(closest_word("firstbyte", kKnown), "first_byte");
  EXPECT_EQ(closest_word("NAME", kKnown), "name");
  EXPECT_EQ(closest_word("retrys", kKnown), "retry");
}

TEST(ClosestWord, SuggestsNothingFarFetched) {
  constexpr std::array<std::string_view, 3> kKnown{"url", "key", "weight"};
  EXPECT_EQ(closest_word("balance", kKnown), "");
  EXPECT_EQ(closest_word("x", kKnown), "");
  EXPECT_EQ(closest_word("", kKnown), "");
  EXPECT_EQ(closest_word(std::string(100'000, 'a'), kKnown), "");
}

TEST(ParseUnsigned, TakesDigitsAlone) {
  EXPECT_EQ(parse_unsigned("0"), 0U);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), 18446744073709551615U);
  for (const char* wrong : {"", " 1", "1 ", "+1", "-1", "1.0", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_unsigned(wrong)) << wrong;
  }
}

TEST(FirstIllegalByte, AcceptsTextOfEveryScript) {
  EXPECT_FALSE(first_illegal_byte("plain\twith tabs\r\nand lines\n"));
  EXPECT_FALSE(first_illegal_byte("Größe 模型 🙂 \xF4\x8F\xBF\xBF"));
}

TEST(FirstIllegalByte, FindsTheFirstControlByteAndTheFirstThatIsNotUtf8) {
  EXPECT_EQ(first_illegal_byte(std::string_view{"ab\0c", 4}), 2U);
  EXPECT_EQ(first_illegal_byte("a\x1b[31m"), 1U);
  EXPECT_EQ(first_illegal_byte("a\rb"), 1U);
  EXPECT_EQ(first_illegal_byte("a\r"), 1U);
  EXPECT_EQ(first_illegal_byte("x\x7f"), 1U);
  for (const char* wrong : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xC3", "\xFF"}) {
    EXPECT_EQ(first_illegal_byte("ok" + std::string{wrong}), 2U);
  }
}

TEST(Quoted, ShowsNeitherCredentialsNorControlCharactersNorWholeBooks) {
  EXPECT_EQ(text::quoted("abc"), "`abc`");
  EXPECT_EQ(text::quoted("a\x1b[31mb\n"), "`a?[31mb?`");
  EXPECT_EQ(text::quoted("http://user:secret@host").find("secret"), std::string::npos);
  const std::string shortened = text::quoted("a" + std::string(100, 'b') + "模");
  EXPECT_LT(shortened.size(), 70U);
  const std::string in_mid_letter = text::quoted(std::string(59, 'a') + "模型");
  EXPECT_FALSE(first_illegal_byte(in_mid_letter)) << "a letter was cut in two";
}

TEST(Trim, TakesBlanksAtBothEnds) {
  EXPECT_EQ(trim(" \ta b\r "), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim(""), "");
}

}  // namespace
}  // namespace intragate::text
