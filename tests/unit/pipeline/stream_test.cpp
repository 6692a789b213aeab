#include "pipeline/stream.h"

#include <gtest/gtest.h>

#include <memory>

namespace intragate::pipeline {
namespace {

const std::string kEvent = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
const std::string kUsage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";
const std::string kError = "data: {\"error\":{\"message\":\"out of memory\"}}\n\n";
const std::string kDone = "data: [DONE]\n\n";

std::string chunk(std::string_view data) {
  std::string framed;
  net::append_chunk_head(framed, data.size());
  return framed.append(data).append(net::kChunkEnd);
}

net::BodyDecoder decoder(net::Framing framing) {
  net::ResponseHead head;
  head.status = 200;
  head.framing = framing;
  return net::BodyDecoder{head};
}

struct Whole {
  std::string bytes;
  Stream::Output last;
  std::uint32_t events = 0;
};

// Feeds `input` in pieces of `step` bytes, as reads would bring it.
Whole relay(Stream& stream, net::BodyDecoder& body, std::string_view input, std::size_t step) {
  Whole whole;
  std::string buffer;
  std::string scratch;
  while (!input.empty() && whole.last.end == Stream::End::open) {
    buffer += input.substr(0, step);
    input.remove_prefix(std::min(step, input.size()));
    whole.last = stream.take(buffer, body, scratch);
    whole.bytes += whole.last.bytes;
    whole.events += whole.last.events;
    buffer.erase(0, whole.last.consumed);
  }
  return whole;
}

TEST(Stream, WholeChunksInTheRightFormAreNotCopied) {
  Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  const std::string input = chunk(kEvent) + chunk(kEvent);
  std::string scratch;
  const Stream::Output out = stream.take(input, body, scratch);
  EXPECT_EQ(out.bytes.data(), input.data());
  EXPECT_EQ(out.bytes, input);
  EXPECT_EQ(out.payload, 2 * kEvent.size());
  EXPECT_EQ(out.events, 2U);
}

TEST(Stream, AnySplitGivesOneChunkForEachEvent) {
  const std::string input = chunk(kEvent) + chunk(kEvent + kUsage) + chunk(kDone) + "0\r\n\r\n";
  const std::string expected = chunk(kEvent) + chunk(kEvent) + chunk(kUsage) + chunk(kDone);
  for (std::size_t step = 1; step <= input.size(); ++step) {
    Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown};
    net::BodyDecoder body = decoder(net::Framing::chunked);
    const Whole whole = relay(stream, body, input, step);
    EXPECT_EQ(whole.bytes, expected) << step;
    EXPECT_EQ(whole.last.end, Stream::End::complete) << step;
    EXPECT_EQ(whole.events, 2U) << step;
    EXPECT_EQ(stream.usage().completion_tokens, 4U) << step;
  }
}

TEST(Stream, EventsKnownFromOthersAreRelayedAlike) {
  const std::string end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  const std::string other = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\\"ho\\\"\"}}]}\n\n";
  const std::string input = chunk(kEvent) + chunk(other) + chunk(end) + chunk(kUsage) + chunk(kDone) + "0\r\n\r\n";
  const std::string expected = chunk(kEvent) + chunk(other) + chunk(end) + chunk(kDone);
  const auto known = std::make_shared<dialect::KnownEvents>();
  for (std::size_t step = 1; step <= input.size(); ++step) {
    Stream stream{Stream::Framing::chunked, Stream::UsageEvents::hidden};
    stream.know(known);
    net::BodyDecoder body = decoder(net::Framing::chunked);
    const Whole whole = relay(stream, body, input, step);
    EXPECT_EQ(whole.bytes, expected) << step;
    EXPECT_EQ(whole.events, 2U) << step;
    EXPECT_EQ(stream.usage().completion_tokens, 4U) << step;
  }
  std::uint8_t first = 0;
  EXPECT_NE(known->find(R"({"choices":[{"index":0,"delta":{"content":"x"}}]})", first), nullptr)
      << "nothing was learned";
}

TEST(Stream, HiddenUsageIsCountedAndNotShown) {
  const std::string input = chunk(kEvent) + chunk(kUsage) + chunk(kDone);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, input.size()}) {
    Stream stream{Stream::Framing::chunked, Stream::UsageEvents::hidden};
    net::BodyDecoder body = decoder(net::Framing::chunked);
    EXPECT_EQ(relay(stream, body, input, step).bytes, chunk(kEvent) + chunk(kDone));
    EXPECT_EQ(stream.usage().prompt_tokens, 3U);
  }
}

TEST(Stream, ErrorEventIsPassedAndEndsTheStream) {
  Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  const std::string input = chunk(kEvent) + chunk(kError) + chunk(kDone);
  const Whole whole = relay(stream, body, input, input.size());
  EXPECT_EQ(whole.bytes, chunk(kEvent) + chunk(kError));
  EXPECT_EQ(whole.last.end, Stream::End::model_error);
}

TEST(Stream, LastEventWithoutItsBlankLineIsKeptAtACleanEnd) {
  Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  const std::string input = chunk(kEvent.substr(0, kEvent.size() - 2)) + "0\r\n\r\n";
  EXPECT_EQ(relay(stream, body, input, input.size()).bytes, chunk(kEvent));
}

TEST(Stream, BodyWithoutASingleEventIsMalformed) {
  Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  const std::string input = chunk("{\"error\":\"no stream at all\"}") + "0\r\n\r\n";
  EXPECT_EQ(relay(stream, body, input, input.size()).last.end, Stream::End::malformed);
}

TEST(Stream, BodyThatEndsWithItsConnectionNeedsASignOfBeingWhole) {
  for (const bool whole : {false, true}) {
    Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown};
    net::BodyDecoder body = decoder(net::Framing::until_close);
    std::string scratch;
    const std::string last = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    (void)stream.take(whole ? kEvent + last : kEvent, body, scratch);
    EXPECT_EQ(stream.finish(body, scratch).end, whole ? Stream::End::complete : Stream::End::malformed);
  }
}

TEST(Stream, OldClientsGetBareEvents) {
  Stream stream{Stream::Framing::plain, Stream::UsageEvents::shown};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  const std::string input = chunk(kEvent) + chunk(kDone);
  EXPECT_EQ(relay(stream, body, input, input.size()).bytes, kEvent + kDone);
}

TEST(Stream, StopsAtTheLastTokenAnAnswerMayHave) {
  const std::string other = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"last\"}}]}\n\n";
  const std::string all = kEvent + ": comment\n\n" + kEvent + other + kEvent + kEvent;
  for (const bool one_chunk : {true, false}) {
    const std::string input =
        one_chunk ? chunk(all) : chunk(kEvent) + chunk(": comment\n\n") + chunk(kEvent) + chunk(other) + chunk(kEvent);
    for (std::size_t step = 1; step <= input.size(); ++step) {
      Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown, 3};
      net::BodyDecoder body = decoder(net::Framing::chunked);
      const Whole whole = relay(stream, body, input, step);
      EXPECT_EQ(whole.bytes, chunk(kEvent) + chunk(": comment\n\n") + chunk(kEvent) + chunk(other)) << step;
      EXPECT_EQ(whole.last.end, Stream::End::too_long) << step;
      EXPECT_EQ(whole.events, 3U) << step;
    }
  }
}

TEST(Stream, NamesTheEventAtWhichItStopped) {
  const std::string input = chunk(kEvent + kEvent);
  Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown, 1};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  std::string scratch;
  EXPECT_EQ("data: " + std::string{stream.take(input, body, scratch).last} + "\n\n", kEvent);
}

TEST(Stream, AnswerThatEndsByItselfAtTheLimitIsNotCut) {
  const std::string last =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"!\"},\"finish_reason\" : \"stop\"}]}\n\n";
  Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown, 2};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  const std::string input = chunk(kEvent) + chunk(last) + chunk(kUsage) + chunk(kDone);
  const Whole whole = relay(stream, body, input, input.size());
  EXPECT_EQ(whole.last.end, Stream::End::complete);
  EXPECT_EQ(whole.bytes, input);
}

// Several tokens in one event: what the model counts is nearer to the truth than events are.
TEST(Stream, ModelsOwnCountEndsAnAnswerToo) {
  const auto counted = [](int tokens) {
    return "data: "
           "{\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":" +
           std::to_string(tokens) + "}}\n\n";
  };
  Stream stream{Stream::Framing::chunked, Stream::UsageEvents::shown, 10};
  net::BodyDecoder body = decoder(net::Framing::chunked);
  const std::string input = chunk(counted(4)) + chunk(counted(12)) + chunk(counted(16));
  const Whole whole = relay(stream, body, input, input.size());
  EXPECT_EQ(whole.last.end, Stream::End::too_long);
  EXPECT_EQ(whole.events, 1U);
}

}  // namespace
}  // namespace intragate::pipeline
