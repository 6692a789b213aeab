#include "net/body_decoder.h"

#include <gtest/gtest.h>

namespace intragate::net {
namespace {

using State = BodyDecoder::State;

ResponseHead head(Framing framing, std::uint64_t length = 0) {
  ResponseHead made;
  made.status = 200;
  made.framing = framing;
  made.content_length = length;
  return made;
}

TEST(BodyDecoder, LengthEndsExactlyAndLeavesTheRest) {
  BodyDecoder decoder{head(Framing::length, 3)};
  const BodyDecoder::Step first = decoder.step("abcNEXT");
  EXPECT_EQ(first.state, State::piece);
  EXPECT_EQ(first.data, "abc");
  EXPECT_EQ(first.consumed, 3U);
  EXPECT_EQ(decoder.step("NEXT").state, State::end);
  EXPECT_FALSE(decoder.may_close_here());
}

TEST(BodyDecoder, NoBodyIsOverAtOnce) {
  EXPECT_EQ(BodyDecoder{head(Framing::none)}.step("x").state, State::end);
}

TEST(BodyDecoder, UntilCloseNeverEndsByItself) {
  BodyDecoder decoder{head(Framing::until_close)};
  EXPECT_EQ(decoder.step("abc").data, "abc");
  EXPECT_EQ(decoder.step("").state, State::more);
  EXPECT_TRUE(decoder.may_close_here());
}

TEST(BodyDecoder, ChunkedGoesThroughTheDecoder) {
  BodyDecoder decoder{head(Framing::chunked)};
  const BodyDecoder::Step step = decoder.step("3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(step.data, "abc");
  EXPECT_TRUE(step.whole_chunk);
}

}  // namespace
}  // namespace intragate::net
