#include "dialect/json_end.h"

#include <gtest/gtest.h>

namespace intragate::dialect {
namespace {

JsonEnd after(std::initializer_list<std::string_view> pieces) {
  JsonEnd end;
  for (const std::string_view piece : pieces) end.take(piece);
  return end;
}

TEST(JsonEnd, IsReachedWithTheLastBracket) {
  EXPECT_TRUE(after({"{}"}).reached());
  EXPECT_TRUE(after({"{\"a\":", " [1, {", "}]", "}"}).reached());
  EXPECT_FALSE(after({"{\"a\": [1, {}]"}).reached());
}

TEST(JsonEnd, BracketsInTextsAreNone) {
  EXPECT_FALSE(after({R"({"a":"}\"})", R"(}\\)"}).reached());
  EXPECT_TRUE(after({R"({"a":"}\)", R"("}\\"})"}).reached());
}

TEST(JsonEnd, IsNotReachedBeforeAnythingCame) {
  EXPECT_FALSE(after({}).reached());
  EXPECT_FALSE(after({"", " "}).reached());
}

}  // namespace
}  // namespace intragate::dialect
