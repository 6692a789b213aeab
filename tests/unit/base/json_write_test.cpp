#include "base/json_write.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <limits>
#include <string>

namespace intragate::json {
namespace {

std::string written(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

TEST(AppendString, CopiesCleanText) {
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written("hello"), R"("hello")");
  EXPECT_EQ(written("你好，世界 é 😀"), "\"你好，世界 é 😀\"");
  const std::string text(1000, 'x');
  EXPECT_EQ(written(text), '"' + text + '"');
}

TEST(AppendString, AppendsToWhatIsThere) {
  std::string out = "a:";
  append_string(out, "b");
  EXPECT_EQ(out, R"(a:"b")");
}

TEST(AppendString, EscapesQuotesAndControlsAtEveryPlace) {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string clean(before, 'x');
    EXPECT_EQ(written(clean + '"' + clean), '"' + clean + "\\\"" + clean + '"');
    EXPECT_EQ(written(clean + '\x1F' + clean), '"' + clean + "\\u001f" + clean + '"');
    EXPECT_EQ(written(clean + '\x7F'), '"' + clean + "\\u007f\"");
  }
  EXPECT_EQ(written("\b\f\n\r\t\\"), R"("\b\f\n\r\t\\")");
  EXPECT_EQ(written(std::string_view{"\0", 1}), R"("\u0000")");
}

TEST(AppendString, EscapesWhatSomeReadersTakeForALineEnd) {
  EXPECT_EQ(written("a\u0085b\u2028c\u2029d\u009F"), R"("a\u0085b\u2028c\u2029d\u009f")");
  EXPECT_EQ(written("\u00A0\u2027\u202A"), "\"\u00A0\u2027\u202A\"");
}

TEST(AppendString, ReplacesBrokenUtf8ByItsLongestBeginning) {
  EXPECT_EQ(written("a\xFFz"), "\"a\uFFFDz\"");
  EXPECT_EQ(written("\xC3"), "\"\uFFFD\"");
  EXPECT_EQ(written("\xE4\xBD"
                    "x"),
            "\"\uFFFDx\"");                                                // a cut character: one mark
  EXPECT_EQ(written("\xF0\x9F\x98"), "\"\uFFFD\"");                        // the same at the end
  EXPECT_EQ(written("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");            // a surrogate: no byte of it was right
  EXPECT_EQ(written("\xC0\x80"), "\"\uFFFD\uFFFD\"");                      // overlong
  EXPECT_EQ(written("\xF4\x90\x80\x80"), "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");  // above U+10FFFF
  EXPECT_EQ(written("\x80\xBF"), "\"\uFFFD\uFFFD\"");
}

TEST(AppendString, IsReadBackByAParser) {
  std::string every_byte;
  for (int c = 0; c < 0x80; ++c) every_byte += static_cast<char>(c);
  every_byte += "é你😀\u2028";
  const std::string json = written(every_byte);
  simdjson::dom::parser parser;
  std::string_view again;
  ASSERT_EQ(parser.parse(json).get(again), simdjson::SUCCESS);
  EXPECT_EQ(again, every_byte);
}

TEST(Writer, BuildsNestedObjectsAndArrays) {
  std::string out;
  Writer json{out};
  json.open_object().text("a", "x").open_object("b").number("c", std::int64_t{-7}).flag("d", true).close_object();
  json.open_array("e").element("1").element("2").open_object().null("f").close_object().close_array();
  json.raw("g", "[1]").flag("h", false).open_object("i").close_object().open_array("j").close_array().close_object();
  EXPECT_EQ(out, R"({"a":"x","b":{"c":-7,"d":true},"e":["1","2",{"f":null}],"g":[1],"h":false,"i":{},"j":[]})");
}

TEST(Writer, EscapesKeys) {
  std::string out;
  Writer{out}.open_object().null("a\"b").close_object();
  EXPECT_EQ(out, R"({"a\"b":null})");
}

TEST(Writer, WritesNumbersWithFixedDecimals) {
  std::string out;
  Writer json{out};
  json.open_object().number("a", 1.0, 3).number("b", 0.0005, 3).number("c", -12.345, 1).number("d", 2.5e9, 0);
  json.number("e", std::numeric_limits<std::int64_t>::min()).close_object();
  EXPECT_EQ(out, R"({"a":1.000,"b":0.001,"c":-12.3,"d":2500000000,"e":-9223372036854775808})");
}

TEST(Writer, WritesTheLargestDoubleAndNullForWhatIsNone) {
  std::string out;
  Writer json{out};
  json.open_object().number("a", std::numeric_limits<double>::lowest(), 9);
  json.number("b", std::numeric_limits<double>::infinity(), 2);
  json.number("c", std::numeric_limits<double>::quiet_NaN(), 2).close_object();
  EXPECT_EQ(out.find("-179769"), 5U);
  EXPECT_EQ(out.substr(out.find(",\"b\"")), R"(,"b":null,"c":null})");
}

#ifndef NDEBUG
TEST(WriterDeathTest, AssertsThatOpensAndClosesPair) {
  std::string out;
  EXPECT_DEATH(Writer{out}.open_object().close_array(), "");
  EXPECT_DEATH(Writer{out}.close_object(), "");
}
#endif

}  // namespace
}  // namespace intragate::json
