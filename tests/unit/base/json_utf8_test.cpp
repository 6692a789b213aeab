#include "base/json_utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::json {
namespace {

TEST(Utf8, EveryCodePointIsWrittenAndRecognised) {
  for (std::uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code_point);
    const Utf8Piece piece = utf8_piece(text, 0);
    ASSERT_TRUE(piece.valid && piece.length == text.size()) << code_point;
  }
}

TEST(Utf8, ABrokenSequenceEndsWhereItGoesWrong) {
  struct Case {
    std::string_view text;
    std::size_t length;
  };
  for (const Case& broken :
       {Case{"\xE4\xBD", 2}, Case{"\xE4", 1}, Case{"\xE4x", 1}, Case{"\xE4\xBDx", 2}, Case{"\xF0\x9F\x98", 3},
        Case{"\xF0\x80\x80\x80", 1}, Case{"\xE0\x9F\xBF", 1}, Case{"\xED\xA0\x80", 1}, Case{"\xF4\x90\x80\x80", 1},
        Case{"\xF5\x80\x80\x80", 1}, Case{"\xC1\xBF", 1}, Case{"\x80", 1}}) {
    const Utf8Piece piece = utf8_piece(broken.text, 0);
    EXPECT_FALSE(piece.valid);
    EXPECT_EQ(piece.length, broken.length);
  }
}

}  // namespace
}  // namespace intragate::json
