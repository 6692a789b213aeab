// Promises of the chunked decoder: any cut of the bytes gives the same body, and doubtful framing is refused.
#include "net/chunked.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace intragate::net {
namespace {

using namespace std::string_literals;
using State = ChunkedDecoder::State;

struct Decoded {
  std::string body;
  State state = State::more;
  std::size_t consumed = 0;
};

// Feeds the bytes in pieces of `stride`, each as far as the decoder wants.
Decoded decode(std::string_view bytes, std::size_t stride) {
  ChunkedDecoder decoder;
  Decoded out;
  while (out.consumed < bytes.size()) {
    const std::string_view input = bytes.substr(out.consumed, stride - out.consumed % stride);
    const ChunkedDecoder::Step step = decoder.step(input);
    out.consumed += step.consumed;
    out.body += step.data;
    out.state = step.state;
    if (step.state == State::end || step.state == State::bad) break;
    EXPECT_TRUE(step.state != State::more || step.consumed == input.size());
    EXPECT_EQ(step.state == State::piece, !step.data.empty());
  }
  return out;
}

State verdict(std::string_view bytes) {
  const Decoded whole = decode(bytes, bytes.size());
  for (std::size_t stride = 1; stride < bytes.size(); ++stride) {
    EXPECT_EQ(decode(bytes, stride).state, whole.state) << bytes << " cut to " << stride;
  }
  return whole.state;
}

TEST(ChunkedDecoderTest, GivesTheSameBodyHoweverTheBytesAreCut) {
  const std::string bytes =
      "5\r\nhello\r\n00B;a=\"b\";c\r\n 0123456789\r\n1\r\n\r\r\n000;\r\nTrailer: x\r\nOther:\r\n\r\n";
  for (std::size_t stride = 1; stride <= bytes.size() + 9; ++stride) {
    const Decoded out = decode(bytes + "next one", stride);
    EXPECT_EQ(out.state, State::end) << stride;
    EXPECT_EQ(out.body, "hello 0123456789\r");
    EXPECT_EQ(out.consumed, bytes.size());
  }
}

TEST(ChunkedDecoderTest, HandsOnAWholeChunkAsItCame) {
  ChunkedDecoder decoder;
  const std::string_view bytes = "1f\r\n0123456789abcdef0123456789abcde\r\n3\r\nabc\r\n";
  ChunkedDecoder::Step step = decoder.step(bytes);
  EXPECT_EQ(step.state, State::piece);
  EXPECT_TRUE(step.whole_chunk);
  EXPECT_EQ(step.consumed, 37U);
  EXPECT_EQ(step.data.size(), 31U);
  EXPECT_TRUE(decoder.between_chunks());
  step = decoder.step(bytes.substr(37));
  EXPECT_TRUE(step.whole_chunk);
  EXPECT_EQ(step.data, "abc");
}

TEST(ChunkedDecoderTest, CallsOnlyPlainWholeChunksWhole) {
  for (const std::string bytes : {"03\r\nabc\r\n", "3;x\r\nabc\r\n", "3\r\nabc", "3\r\nabc\r", "A\r\n0123456789\r\n"}) {
    ChunkedDecoder decoder;
    const ChunkedDecoder::Step step = decoder.step(bytes);
    EXPECT_EQ(step.state, State::piece) << bytes;
    EXPECT_FALSE(step.whole_chunk) << bytes;
  }
}

TEST(ChunkedDecoderTest, KnowsWhenItStandsBetweenChunks) {
  ChunkedDecoder decoder;
  EXPECT_TRUE(decoder.between_chunks());
  const std::string_view bytes = "2\r\nab\r\n";
  for (const char& byte : bytes) {
    decoder.step({&byte, 1});
    EXPECT_EQ(decoder.between_chunks(), &byte == &bytes.back());
  }
}

TEST(ChunkedDecoderTest, RefusesDoubtfulSizes) {
  for (const std::string& bytes : {"\r\n"s, "x\r\n"s, "-1\r\n"s, "+1\r\n"s, " 1\r\n"s, "\t1\r\n"s, "1 \r\n"s,
                                   "1 ;a\r\n"s, "0x1\r\n"s, "1\n"s, "1\rx"s, "1,1\r\n"s, ";a\r\n"s, "1\0\r\n"s,
                                   "1234567890abcdef\r\n"s, "0000000000000000\r\n"s, "ffffffffffffffffffff\r\n"s}) {
    EXPECT_EQ(verdict(bytes), State::bad) << bytes;
  }
  EXPECT_EQ(verdict("00000000000000A\r\n0123456789\r\n0\r\n\r\n"), State::end);
}

TEST(ChunkedDecoderTest, RefusesChunksThatDoNotEndWhereTheySaid) {
  for (const std::string& bytes :
       {"1\r\nab\r\n"s, "2\r\na\r\n0\r\n\r\n"s, "1\r\na\n"s, "1\r\na\r\r"s, "1\r\na0\r\n\r\n"s}) {
    EXPECT_EQ(verdict(bytes), State::bad) << bytes;
  }
}

TEST(ChunkedDecoderTest, RefusesControlCharactersInExtensions) {
  for (const std::string& bytes : {"1;a\n"s, "1;a\0\r\n"s, "1;a\rb\r\n"s, "1;\x7f\r\n"s, "0;\n\r\n"s}) {
    EXPECT_EQ(verdict(bytes), State::bad) << bytes;
  }
}

TEST(ChunkedDecoderTest, RefusesBrokenTrailers) {
  for (const std::string& bytes : {"0\r\n\n"s, "0\r\n\rx"s, "0\r\n a: b\r\n\r\n"s, "0\r\na b\r\n\r\n"s,
                                   "0\r\na : b\r\n\r\n"s, "0\r\n: b\r\n\r\n"s, "0\r\na\r\n\r\n"s, "0\r\na: b\n\r\n"s,
                                   "0\r\na: b\r\n c\r\n\r\n"s, "0\r\na: \0\r\n\r\n"s, "0\r\nGET / HTTP/1.1\r\n\r\n"s}) {
    EXPECT_EQ(verdict(bytes), State::bad) << bytes;
  }
}

TEST(ChunkedDecoderTest, BoundsExtensionsAndTrailers) {
  EXPECT_EQ(decode("1;" + std::string(256, 'x') + "\r\na\r\n0\r\n\r\n", 4096).state, State::end);
  EXPECT_EQ(decode("1;" + std::string(257, 'x') + "\r\na\r\n0\r\n\r\n", 4096).state, State::bad);
  EXPECT_EQ(decode("0\r\na:" + std::string(8000, 'x') + "\r\n\r\n", 4096).state, State::end);
  std::string endless = "0\r\n";
  for (int i = 0; i < 3000; ++i) endless += "a:b\r\n";
  EXPECT_EQ(decode(endless, 4096).state, State::bad);
}

TEST(ChunkedDecoderTest, StaysBadAndStaysAtItsEnd) {
  ChunkedDecoder broken;
  EXPECT_EQ(broken.step("x").state, State::bad);
  EXPECT_EQ(broken.step("1\r\na\r\n").state, State::bad);
  ChunkedDecoder over;
  EXPECT_EQ(over.step("0\r\n\r\n1\r\na\r\n").consumed, 5U);
  EXPECT_EQ(over.step("1\r\na\r\n").state, State::end);
  EXPECT_EQ(over.step("1\r\na\r\n").consumed, 0U);
}

TEST(ChunkedDecoderTest, ReadsWhatTheEncoderWrites) {
  std::string bytes;
  std::string body;
  for (const std::size_t size : {1U, 9U, 10U, 15U, 16U, 255U, 256U, 70000U}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    append_chunk_head(bytes, size);
    bytes += piece;
    bytes += kChunkEnd;
    body += piece;
  }
  bytes += kLastChunk;
  const Decoded out = decode(bytes, 4096);
  EXPECT_EQ(out.state, State::end);
  EXPECT_EQ(out.body, body);
}

}  // namespace
}  // namespace intragate::net
