#include "net/event_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace intragate::net {
namespace {

using State = EventReader::State;
using Events = std::vector<std::string>;

// The events of `bytes` that come in pieces of `step` bytes.
Events read(EventFraming framing, std::string_view bytes, std::size_t step, std::size_t limit = 1000) {
  EventReader reader{framing, limit};
  Events events;
  const auto take = [&](auto next) {
    for (;;) {
      const EventReader::Step got = next();
      if (got.state == State::too_long) events.emplace_back("(too long)");
      if (got.state != State::event) return got.state == State::more;
      events.emplace_back(got.data);
    }
  };
  while (!bytes.empty()) {
    const std::string piece{bytes.substr(0, step)};
    bytes.remove_prefix(piece.size());
    std::string_view rest = piece;
    const bool more = take([&] {
      const EventReader::Step got = reader.step(rest);
      rest.remove_prefix(got.consumed);
      return got;
    });
    if (!more) return events;
  }
  take([&] { return reader.finish(); });
  return events;
}

TEST(EventReader, AnyCutGivesTheSameEvents) {
  constexpr std::string_view kLines = "{\"a\":1}\r\n\n  \n{\"b\":\"é😀\"}\n{\"c\":3}";
  constexpr std::string_view kSse = ": hi\n\ndata: {\"a\":1}\n\nevent: x\ndata:{\"b\":\"é\"}\r\n\r\ndata: {\"c\":3}";
  for (std::size_t step = 1; step < 40; ++step) {
    EXPECT_EQ(read(EventFraming::ndjson, kLines, step), (Events{"{\"a\":1}", "{\"b\":\"é😀\"}", "{\"c\":3}"})) << step;
    EXPECT_EQ(read(EventFraming::sse, kSse, step), (Events{"{\"a\":1}", "{\"b\":\"é\"}", "{\"c\":3}"})) << step;
    EXPECT_EQ(read(EventFraming::whole, kLines.substr(0, 7), step), (Events{"{\"a\":1}"})) << step;
  }
}

TEST(EventReader, TextIsCutBetweenCharacters) {
  constexpr std::string_view kText = "aé☀😀\xFFz";
  for (std::size_t step = 1; step <= kText.size(); ++step) {
    std::string whole;
    for (const std::string& event : read(EventFraming::text, kText, step)) {
      EXPECT_NE(static_cast<unsigned char>(event.front()) & 0xC0U, 0x80U) << "begins within a character";
      whole += event;
    }
    EXPECT_EQ(whole, kText) << step;
  }
}

TEST(EventReader, TextThatIsNotCutGoesOnAtOnce) {
  EXPECT_EQ(read(EventFraming::text, "one two", 4), (Events{"one ", "two"}));
}

TEST(EventReader, FramesEndWithTheirLength) {
  const std::string bytes{"\0\0\0\0\3abc\x80\0\0\0\0\0\0\0\0\2x", 19};
  const Events whole{bytes.substr(0, 8), bytes.substr(8, 5), bytes.substr(13)};
  for (std::size_t step = 1; step <= bytes.size(); ++step)
    EXPECT_EQ(read(EventFraming::grpc, bytes, step), whole) << step;
  const std::string long_one{"\0\0\0\1\0abc", 8};
  for (std::size_t step = 1; step <= 8; ++step) {
    EXPECT_EQ(read(EventFraming::grpc, long_one, step, 50), Events{"(too long)"}) << "before it is kept " << step;
  }
}

TEST(EventReader, WhatHasNoEndIsBrokenOff) {
  for (const std::size_t step : {1, 7, 100}) {
    for (const EventFraming framing : {EventFraming::ndjson, EventFraming::whole, EventFraming::sse})
      EXPECT_EQ(read(framing, std::string(60, 'x'), step, 50), (Events{"(too long)"})) << step;
  }
}

}  // namespace
}  // namespace intragate::net
