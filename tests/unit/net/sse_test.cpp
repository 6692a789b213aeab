// Promises of the event stream reader: one form comes out, the same for every cut of the input, and plain bytes are
// passed uncopied.
#include "net/sse.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <random>
#include <string>
#include <vector>

#include "sse_reference.h"

namespace intragate::net {
namespace {

using Kind = SseEvent::Kind;
using State = SseReader::State;
using sse_reference::Block;

// Everything the reader gives out, as it would go to the client.
class Reading {
 public:
  explicit Reading(std::size_t limit = 1 << 20) : reader_{limit} {}

  void feed(std::string_view input) {
    while (true) {
      const SseReader::Step step = reader_.step(input);
      state_ = step.state;
      EXPECT_TRUE(step.state != State::more || step.consumed == input.size());
      if (step.state != State::event) return;
      note(step.event);
      input.remove_prefix(step.consumed);
    }
  }
  void finish() {
    for (int last = 0; last < 2; ++last) {
      const SseReader::Step step = reader_.finish();
      if (step.state == State::event) note(step.event);
    }
    EXPECT_NE(reader_.finish().state, State::event);
    EXPECT_TRUE(reader_.at_boundary());
  }

  [[nodiscard]] const std::string& output() const { return output_; }
  [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const SseReader& reader() const { return reader_; }

 private:
  void note(const SseEvent& event) {
    EXPECT_TRUE(sse_reference::is_canonical(event)) << event.bytes;
    output_ += event.bytes;
    const bool comment = event.kind == Kind::comment;
    blocks_.push_back({.kind = event.kind,
                       .text = std::string{comment ? event.bytes.substr(0, event.bytes.size() - 2) : event.data}});
  }

  SseReader reader_;
  State state_ = State::more;
  std::string output_;
  std::vector<Block> blocks_;
};

std::string form_of(std::string_view input) {
  Reading reading;
  reading.feed(input);
  return reading.output();
}

std::string form_at_end_of(std::string_view input) {
  Reading reading;
  reading.feed(input);
  reading.finish();
  return reading.output();
}

TEST(SseReaderTest, PassesPlainBlocksAsViewsOfTheInput) {
  const std::string input = "data: {\"a\":1}\n\ndata:{\"b\":2}\n\n: alive\n\n:\n\ndata: [DONE]\n\n";
  SseReader reader;
  std::size_t at = 0;
  for (const std::string_view expected :
       {"data: {\"a\":1}\n\n", "data:{\"b\":2}\n\n", ": alive\n\n", ":\n\n", "data: [DONE]\n\n"}) {
    const SseReader::Step step = reader.step(std::string_view{input}.substr(at));
    ASSERT_EQ(step.state, State::event);
    EXPECT_EQ(step.event.bytes, expected);
    EXPECT_EQ(step.event.bytes.data(), input.data() + at);
    EXPECT_TRUE(reader.at_boundary());
    at += step.consumed;
  }
  EXPECT_EQ(at, input.size());
  EXPECT_EQ(reader.step({}).state, State::more);
}

TEST(SseReaderTest, PassesTheDataUncopiedWhenOnlyAFieldLineStandsInFront) {
  const std::string input = "event: message\ndata: {}\n\n";
  SseReader reader;
  const SseReader::Step step = reader.step(input);
  EXPECT_EQ(step.event.bytes.data(), input.data() + 15);
  EXPECT_EQ(step.event.data, "{}");
  EXPECT_EQ(step.consumed, input.size());
}

TEST(SseReaderTest, BringsEveryLegalStreamIntoTheOneForm) {
  const std::vector<std::pair<std::string_view, std::string_view>> forms{
      {"data: a\r\n\r\n", "data: a\n\n"},
      {"data: a\r\rdata: b\r\r", "data: a\n\ndata: b\n\n"},
      {"data: a\r\n\ndata:b\n\r\n", "data: a\n\ndata:b\n\n"},
      {"event: x\nid: 1\nretry: 5\ndata: a\n\n", "data: a\n\n"},
      {"data: a\nevent: x\n\n", "data: a\n\n"},
      {"data: {\ndata: \"a\":1\ndata:}\n\n", "data: { \"a\":1 }\n\n"},
      {"data:{\ndata:}\n\n", "data:{ }\n\n"},
      {": hi\ndata: a\n\n", ": hi\n\ndata: a\n\n"},
      {"data: a\n: hi\ndata: b\n\n", ": hi\n\ndata: a b\n\n"},
      {": one\n: two\n\n", ": one\n\n: two\n\n"},
      {"\xEF\xBB\xBF"
       "data: a\n\n",
       "data: a\n\n"},
      {"data: a\n\n\xEF\xBB\xBF"
       "data: b\n\n",
       "data: a\n\n"},
      {"\xEF\xBB"
       "data: a\n\ndata: b\n\n",
       "data: b\n\n"},
      {"\n\n\ndata: a\n\n\n\n\n", "data: a\n\n"},
      {"data:  a \n\n", "data:  a \n\n"},
      {"data: \xE2\x80\xA8\n\n", "data: \xE2\x80\xA8\n\n"},
      {"Data: a\n\n data: a\n\ndatas: a\n\ndat: a\n\n", ""},
      {"{\"error\":\"no stream at all\"}\n\n", ""},
  };
  for (const auto& [input, output] : forms) EXPECT_EQ(form_of(input), output) << input;
}

TEST(SseReaderTest, LetsEventsWithoutDataVanish) {
  EXPECT_EQ(form_of("event: ping\n\n"), "");
  EXPECT_EQ(form_of("retry: 1000\n\nid\n\n"), "");
  EXPECT_EQ(form_of("data\n\ndata:\n\ndata: \n\ndata:  \t\n\ndata\ndata\n\n"), "");
  EXPECT_EQ(form_of("data:\ndata: a\ndata\n\n"), "data: a\n\n");
}

TEST(SseReaderTest, GivesOutACommentAtOnce) {
  Reading reading;
  reading.feed("data: a\n: still thinking\n");
  EXPECT_EQ(reading.output(), ": still thinking\n\n");
  EXPECT_FALSE(reading.reader().at_boundary());
  reading.feed("data: b\n\n");
  EXPECT_EQ(reading.output(), ": still thinking\n\ndata: a b\n\n");
  EXPECT_TRUE(reading.reader().at_boundary());
}

TEST(SseReaderTest, EndsALineAtACarriageReturnWithoutWaitingForALineFeed) {
  Reading reading;
  reading.feed("data: a\r\n\r");
  EXPECT_EQ(reading.output(), "data: a\n\n");
  EXPECT_TRUE(reading.reader().at_boundary());
  reading.feed("\n");
  reading.feed("data: b\r");
  reading.feed("\n\r");
  EXPECT_EQ(reading.output(), "data: a\n\ndata: b\n\n");
}

TEST(SseReaderTest, GivesTheSameBlocksForEveryCutInTwoOrThree) {
  const std::string input =
      "\xEF\xBB\xBF: hi\r\n\r\ndata: {\"a\":1}\n\nevent: x\rdata:{\r\ndata: }\r\n: c\n\r\ndata\ndata: "
      "[DONE]\n\n\n:\n\n";
  const std::string expected = form_of(input);
  ASSERT_EQ(expected, ": hi\n\ndata: {\"a\":1}\n\n: c\n\ndata:{ }\n\ndata: [DONE]\n\n:\n\n");
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (std::size_t second = first; second <= input.size(); ++second) {
      Reading reading;
      reading.feed(std::string_view{input}.substr(0, first));
      reading.feed(std::string_view{input}.substr(first, second - first));
      reading.feed(std::string_view{input}.substr(second));
      ASSERT_EQ(reading.output(), expected) << first << ' ' << second;
    }
  }
}

// A stream made of pieces that matter, in any order.
std::string random_stream(std::mt19937& random) {
  static const std::vector<std::string> kPieces{"data: {\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\n",
                                                "data: x",
                                                "data:",
                                                "data",
                                                "data: ",
                                                ": comment",
                                                ":",
                                                "event: e",
                                                "id: 7",
                                                "retry",
                                                "other: y",
                                                "\xEF\xBB\xBF",
                                                "\xEF",
                                                "\n",
                                                "\n",
                                                "\n\n",
                                                "\r",
                                                "\r\n",
                                                "\r\n\r\n",
                                                " ",
                                                "\t",
                                                "}",
                                                "]",
                                                "{",
                                                "data: {\"a\":1}\n",
                                                "data: [DONE]\n"};
  std::string text;
  const std::size_t count = random() % 40;
  for (std::size_t i = 0; i < count; ++i) text += kPieces[random() % kPieces.size()];
  return text;
}

TEST(SseReaderTest, AgreesWithTheReferenceOnRandomStreamsHoweverCut) {
  std::mt19937 random{20260301};
  std::size_t events = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string text = random_stream(random);
    Reading whole;
    whole.feed(text);
    ASSERT_EQ(whole.blocks(), sse_reference::read(text)) << text;
    Reading cut;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + random() % (1 + random() % 20);
      cut.feed(std::string_view{text}.substr(at, size));
      at += size;
    }
    ASSERT_EQ(cut.output(), whole.output()) << text;
    ASSERT_EQ(cut.reader().at_boundary(), whole.reader().at_boundary()) << text;
    events += whole.blocks().size();
  }
  EXPECT_GT(events, 10000U);  // the streams are worth the trouble
}

TEST(SseReaderTest, GivesOutAnEventThatLacksOnlyItsBlankLineAtTheEnd) {
  EXPECT_EQ(form_at_end_of("data: {\"a\":1}\n"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(form_at_end_of("data: {\"a\":1}\r"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(form_at_end_of("data: {\"a\":1}"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(form_at_end_of("data: [DONE]"), "data: [DONE]\n\n");
  EXPECT_EQ(form_at_end_of("data: {\ndata: }"), "data: { }\n\n");
  EXPECT_EQ(form_at_end_of("event: x\ndata: a\n"), "data: a\n\n");
}

TEST(SseReaderTest, EndsAnEventWhereTheBlankLineWasForgotten) {
  EXPECT_EQ(form_of("data: {\"a\":1}\ndata: {\"b\":2}\n\n"), "data: {\"a\":1}\n\ndata: {\"b\":2}\n\n");
  EXPECT_EQ(form_of("data:{}\r\ndata:{} \r\ndata: [DONE]\r\n\r\n"), "data:{}\n\ndata:{} \n\ndata: [DONE]\n\n");
  EXPECT_EQ(form_of("data: [{\ndata: },\ndata: {}\ndata: ]\n\n"), "data: [{ }, {} ]\n\n");
  EXPECT_EQ(form_of("data: {}\n: hi\nid: 3\ndata: {}\n\n"), ": hi\n\ndata: {}\n\ndata: {}\n\n");
  EXPECT_EQ(form_at_end_of("data: {}\ndata: {}\ndata: [DONE]\n"), "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n");
  EXPECT_EQ(form_at_end_of("data: {}\ndata: [DONE]"), "data: {}\n\ndata: [DONE]\n\n");
  EXPECT_EQ(form_at_end_of("data: {}\ndata: {\"cut"), "");
}

TEST(SseReaderTest, DiscardsWhatWasCutInHalfAtTheEnd) {
  for (const std::string_view text : {"", "data: {\"a\":\"b", "data: {\ndata: \"a", "data", "data:", ": comment",
                                      "event: x\n", "data: {}\nda", "\xEF\xBB", "data: \n"}) {
    EXPECT_EQ(form_at_end_of(text), "") << text;
  }
}

TEST(SseReaderTest, BreaksOffBeyondTheLimitTheSameForEveryCut) {
  const std::string fits = "data: 0123456789\n\ndata: 01\ndata: 01\n\n: 01234567890123\n\n";
  const std::string text = fits + "data: 01234567890\n\ndata: never seen\n\n";
  for (std::size_t stride = 1; stride <= text.size(); ++stride) {
    Reading reading{16};
    for (std::size_t at = 0; at < text.size(); at += stride) reading.feed(std::string_view{text}.substr(at, stride));
    EXPECT_EQ(reading.state(), State::too_long) << stride;
    EXPECT_EQ(reading.output(), "data: 0123456789\n\ndata: 01 01\n\n: 01234567890123\n\n") << stride;
    EXPECT_TRUE(reading.reader().at_boundary());  // nothing is kept
  }
}

TEST(SseReaderTest, CountsEveryLineOfAnEventTowardsTheLimit) {
  Reading reading{100};
  for (int i = 0; i < 50 && reading.state() == State::more; ++i) reading.feed("data: 0123456789\n");
  EXPECT_EQ(reading.state(), State::too_long);
  Reading endless{100};
  for (int i = 0; i < 200 && endless.state() == State::more; ++i) endless.feed("x");
  EXPECT_EQ(endless.state(), State::too_long);
}

TEST(SseReaderTest, GivesTheMemoryOfASplitEventBack) {
  const std::string half(200'000, 'x');
  SseReader reader;
  const auto in_use = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
  const std::size_t before = in_use();
  for (const std::string_view end : {"\n\n", "\r\n\r\n"}) {
    EXPECT_EQ(reader.step("data: " + half).state, State::more);
    EXPECT_EQ(reader.step(end).state, State::event);
    EXPECT_EQ(reader.step({}).state, State::more);
    EXPECT_LT(in_use(), before + 100'000);
  }
  EXPECT_EQ(reader.step("event: " + half).state, State::more);
  EXPECT_EQ(reader.step("\n").state, State::more);
  EXPECT_LT(in_use(), before + 100'000);
}

TEST(SseReaderTest, IsSmallBecauseThousandsAreOpen) {
  EXPECT_LE(sizeof(SseReader), 64U);
}

}  // namespace
}  // namespace intragate::net
