#include "base/json_check.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::json {
namespace {

TEST(JsonCheck, KnowsAnObjectThatIsValidInItsDepth) {
  for (const char* text : {"{}", R"({"a":[1,{"b":null}]})", " {\n} "}) EXPECT_TRUE(is_object(text)) << text;
  for (const char* text :
       {"", "[]", "1", R"({"a":})", R"({"a":[1,]})", R"({"a":tru})", "{}{}", "{\"a\":\"\n\"}", "{\"\xff\":1}"}) {
    EXPECT_FALSE(is_object(text)) << text;
  }
  EXPECT_FALSE(is_object(std::string(5000, '{') + std::string(5000, '}')));
}

}  // namespace
}  // namespace intragate::json
