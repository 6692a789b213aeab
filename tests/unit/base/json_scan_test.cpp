#include "base/json_scan.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <array>
#include <string>
#include <vector>

namespace intragate::json {
namespace {

std::vector<Member> all(ObjectScan scan) {
  std::vector<Member> members;
  while (const auto member = scan.next()) members.push_back(*member);
  return members;
}

std::string problem(std::string_view text) {
  ObjectScan scan{text};
  while (scan.next()) {
  }
  return scan.problem();
}

TEST(ObjectScan, GivesKeysKindsAndRawValuesInOrder) {
  const std::string text = R"( { "model" : "m", "o":{"a":[1]},"a":[ {} ],"n":-1.5e+3,"t":true,"f":false,"z":null } )";
  const std::vector<Member> members = all(ObjectScan{text});
  ASSERT_EQ(members.size(), 7U);
  const std::array<std::pair<std::string_view, std::string_view>, 7> expected{{{"model", R"("m")"},
                                                                               {"o", R"({"a":[1]})"},
                                                                               {"a", "[ {} ]"},
                                                                               {"n", "-1.5e+3"},
                                                                               {"t", "true"},
                                                                               {"f", "false"},
                                                                               {"z", "null"}}};
  const std::array<Kind, 7> kinds{Kind::string,  Kind::object,  Kind::array, Kind::number,
                                  Kind::boolean, Kind::boolean, Kind::null};
  for (std::size_t i = 0; i < members.size(); ++i) {
    EXPECT_EQ(members[i].key, expected[i].first);
    EXPECT_EQ(members[i].value, expected[i].second);
    EXPECT_EQ(members[i].kind, kinds[i]);
    EXPECT_EQ(text.substr(members[i].offset, members[i].value.size()), members[i].value);
  }
}

TEST(ObjectScan, KnowsTheClosingBrace) {
  ObjectScan scan{R"({"a":1} )"};
  EXPECT_TRUE(scan.empty());
  EXPECT_TRUE(scan.next());
  EXPECT_FALSE(scan.empty());
  EXPECT_FALSE(scan.next());
  EXPECT_FALSE(scan.failed());
  EXPECT_EQ(scan.closing_brace(), 6U);
  EXPECT_FALSE(scan.next());  // asking again changes nothing
  EXPECT_EQ(scan.closing_brace(), 6U);
}

TEST(ObjectScan, TakesAnEmptyObject) {
  for (const std::string_view text : {"{}", " { } ", "\t{\r\n}\n"}) {
    ObjectScan scan{text};
    EXPECT_FALSE(scan.next());
    EXPECT_FALSE(scan.failed()) << text;
    EXPECT_TRUE(scan.empty());
  }
}

TEST(ObjectScan, RefusesWhatIsNotOneObject) {
  for (const std::string_view text : {"",
                                      " ",
                                      "[]",
                                      "1",
                                      "null",
                                      "{",
                                      "}",
                                      "{}{}",
                                      "{} x",
                                      R"({"a":1,})",
                                      R"({,"a":1})",
                                      R"({"a":1 "b":2})",
                                      R"({"a"})",
                                      R"({"a":})",
                                      R"({"a" 1})",
                                      R"({a:1})",
                                      R"({'a':1})",
                                      R"({"a":1)",
                                      R"({"a":"b)",
                                      R"({"a":[1})",
                                      R"({"a":{]})",
                                      R"({"a":[1}})",
                                      R"({"a":[\"]})",
                                      R"({"a":1}])",
                                      "\xEF\xBB\xBF{}"}) {
    EXPECT_NE(problem(text), "") << text;
  }
}

TEST(ObjectScan, ChecksLiteralsAndNumbersExactly) {
  for (const std::string_view value : {"0", "-0", "10", "1.0", "1e5", "1E+5", "0.1e-7", "true", "false", "null"}) {
    EXPECT_EQ(problem("{\"a\":" + std::string{value} + "}"), "") << value;
  }
  for (const std::string_view value :
       {"01",       "+1",  "-",    ".5",    "1.",  "1e",    "1e+", "0x1",  "1_0", "NaN",
        "Infinity", "tru", "True", "truee", "nul", "nulll", "-a",  "1.e5", "--1", "undefined"}) {
    EXPECT_NE(problem("{\"a\":" + std::string{value} + "}"), "") << value;
  }
}

TEST(ObjectScan, ChecksKeys) {
  EXPECT_EQ(problem(R"({"a\"\\\/\b\f\n\r\t\u00eF":1})"), "");
  for (const std::string_view key : {"\\x", "\\u12", "\\u12g4", "a\nb", "0123456\x1F"}) {
    EXPECT_NE(problem("{\"" + std::string{key} + "\":1}"), "") << key;
  }
}

TEST(ObjectScan, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(problem(R"({"model" "m"})"), "expected ':' after a key at byte 9");
  EXPECT_EQ(problem(R"({"a":1} {)"), "expected nothing more at byte 8");
  EXPECT_EQ(problem(R"({"a":[1,2})"), "wrong closing bracket of the object or array that begins at byte 5");
  EXPECT_EQ(problem(R"({"a":[1,"2)"), "no end of the object or array that begins at byte 5");
  EXPECT_EQ(problem(R"({"a":"xyz)"), "no end of the string that begins at byte 5");
  EXPECT_EQ(problem(R"({"a":x})"), "expected a value at byte 5");
}

TEST(ObjectScan, TellsACutTextFromAWrongOne) {
  const std::string text = R"({"a\u0041":"b","c":[{"d":"]"}],"e":-12.5e1,"f":null })";
  for (std::size_t length = 0; length < text.size(); ++length) {
    ObjectScan scan{std::string_view{text}.substr(0, length)};
    while (scan.next()) {
    }
    EXPECT_TRUE(scan.failed() && scan.cut()) << length;
  }
  ObjectScan wrong{R"({"a":1}]})"};
  while (wrong.next()) {
  }
  EXPECT_TRUE(wrong.failed());
  EXPECT_FALSE(wrong.cut());
}

TEST(ObjectScan, ReadsAnObjectWithinAText) {
  const std::string text = R"([1,{"a":1,"b":{"c":2}}],"x")";
  const std::vector<Member> members = all(ObjectScan::inside(text, 3));
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[1].value, R"({"c":2})");
  EXPECT_EQ(members[1].offset, text.find(R"({"c")"));
}

TEST(ObjectScan, ReadsTheTailOfAnObject) {
  ObjectScan scan = ObjectScan::members(R"("usage":{"a":1},"b":2} )");
  EXPECT_EQ(scan.next()->key, "usage");
  EXPECT_EQ(scan.next()->key, "b");
  EXPECT_FALSE(scan.next());
  EXPECT_FALSE(scan.failed());
}

TEST(ObjectScan, IsNotHurtByDeepNesting) {
  const std::string text = "{\"a\":" + std::string(2'000'000, '[') + std::string(2'000'000, ']') + "}";
  EXPECT_EQ(problem(text), "");
}

TEST(ObjectScan, ScansWhatSimdjsonParses) {
  const std::string filling(1000, 'x');
  const std::string hard = R"({"a":"\ud83d\ude00 \\\" {[","b":[[],{}],"c":{"d":"}"},"p":")" + filling +
                           R"(\\","q":[")" + filling + R"(\"]"],"n":-0.5e-7})";
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  ASSERT_EQ(parser.parse(hard).get(object), simdjson::SUCCESS);
  const std::vector<Member> members = all(ObjectScan{hard});
  ASSERT_EQ(members.size(), object.size());
  std::size_t i = 0;
  for (const auto field : object) {
    simdjson::dom::parser part_parser;
    simdjson::dom::element part;
    ASSERT_EQ(part_parser.parse(std::string{members[i].value}).get(part), simdjson::SUCCESS);
    EXPECT_EQ(members[i].key, field.key);
    EXPECT_EQ(simdjson::to_string(part), simdjson::to_string(field.value));
    ++i;
  }
}

TEST(ArrayScan, GivesElementsInOrder) {
  ArrayScan scan{R"( [ 1 , "a" , {"b":[2]}, [] , null ] )"};
  std::vector<std::string_view> values;
  while (const auto element = scan.next()) values.push_back(element->value);
  EXPECT_EQ(values, (std::vector<std::string_view>{"1", R"("a")", R"({"b":[2]})", "[]", "null"}));
  EXPECT_FALSE(scan.failed());
}

TEST(ArrayScan, RefusesWhatIsNotOneArray) {
  for (const std::string_view text : {"", "{}", "[", "[1", "[1,]", "[,1]", "[1 2]", "[1]]", "[1],"}) {
    ArrayScan scan{text};
    while (scan.next()) {
    }
    EXPECT_TRUE(scan.failed()) << text;
  }
  ArrayScan inside = ArrayScan::inside("x[]y", 1);
  EXPECT_FALSE(inside.next());
  EXPECT_FALSE(inside.failed());
}

Member key(std::string_view text) {
  ObjectScan scan{text};
  return scan.next().value_or(Member{});
}

TEST(KeyIs, SeesThroughEscapes) {
  for (const std::string_view text :
       {R"({"model":1})", R"({"mod\u0065l":1})", R"({"\u006d\u006F\u0064\u0065\u006c":1})"}) {
    EXPECT_TRUE(key_is(key(text), "model")) << text;
    EXPECT_EQ(spelling(key(text), "model"), Spelling::exact) << text;
  }
  for (const std::string_view text :
       {R"({"models":1})", R"({"mode":1})", R"({"mod\u0066l":1})", R"({"model\u0000":1})", R"({"":1})"}) {
    EXPECT_FALSE(key_is(key(text), "model")) << text;
    EXPECT_EQ(spelling(key(text), "model"), Spelling::different) << text;
  }
}

TEST(KeyIs, KnowsOtherCaseFromOtherName) {
  EXPECT_EQ(spelling(key(R"({"MODEL":1})"), "model"), Spelling::other_case);
  EXPECT_EQ(spelling(key(R"({"M\u006fdel":1})"), "model"), Spelling::other_case);
  EXPECT_FALSE(key_is(key(R"({"Model":1})"), "model"));
}

TEST(Unescape, TurnsEveryEscapeIntoItsCharacter) {
  const auto text = unescape(R"("a\"\\\/\b\f\n\r\tA\u00e9\u4F60\ud83d\ude00你")");
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "a\"\\/\b\f\n\r\tAé你😀你");
  EXPECT_EQ(*unescape(R"("")"), "");
  EXPECT_EQ(*unescape(R"("\u0000")"), std::string(1, '\0'));
}

TEST(Unescape, RefusesWhatIsNoJsonString) {
  for (const std::string_view raw : {"",
                                     "\"",
                                     "a",
                                     "\"a",
                                     R"("\")",
                                     R"("\x")",
                                     R"("\u12")",
                                     R"("\u+123")",
                                     R"("\u 123")",
                                     R"("\ud800")",
                                     R"("\ud800x")",
                                     R"("\ud800\u0041")",
                                     R"("\udc00")",
                                     R"("\udc00\ud800")",
                                     R"("a"b")",
                                     "\"a\nb\"",
                                     "\"\xFF\"",
                                     "\"\xC3\"",
                                     "\"\xED\xA0\x80\"",
                                     "\"\xC0\x80\"",
                                     "\"\xF4\x90\x80\x80\""}) {
    const auto text = unescape(raw);
    ASSERT_FALSE(text) << raw;
    EXPECT_EQ(text.error().code, Code::invalid_json);
  }
}

TEST(UnsignedNumber, TakesWholeNumbersUpTo2To53) {
  EXPECT_EQ(unsigned_number("0"), 0U);
  EXPECT_EQ(unsigned_number("512"), 512U);
  EXPECT_EQ(unsigned_number("9007199254740992"), std::uint64_t{1} << 53);
  for (const std::string_view raw :
       {"9007199254740993", "18446744073709551616", "-1", "-0", "1.0", "1e3", "", "null", "\"1\"", "+1", "01", " 1"}) {
    EXPECT_FALSE(unsigned_number(raw)) << raw;
  }
}

}  // namespace
}  // namespace intragate::json
