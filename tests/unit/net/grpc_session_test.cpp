#include "net/grpc_session.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <array>
#include <map>
#include <vector>

namespace intragate::net {
namespace {

constexpr std::string_view kHead =
    "POST /inference.GRPCInferenceService/ModelInfer HTTP/1.1\r\nHost: triton:8001\r\nAuthorization: Bearer secret\r\n"
    "Content-Type: application/json\r\nAccept-Encoding: identity\r\nX-Request-Id: r1\r\nContent-Length: 5\r\n\r\n";

// A server of libnghttp2's own, which does what the test says.
class Server {
 public:
  Server() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
          auto& server = *static_cast<Server*>(data);
          server.stream = frame->hd.stream_id;
          server.fields[std::string{name, name + name_size}] = std::string{value, value + value_size};
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes, std::size_t size, void* data) {
          static_cast<Server*>(data)->body.append(reinterpret_cast<const char*>(bytes), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* data) {
          auto& server = *static_cast<Server*>(data);
          if (frame->hd.type == NGHTTP2_RST_STREAM) server.reset = frame->rst_stream.error_code;
          if (frame->hd.type == NGHTTP2_GOAWAY) server.left = true;
          if (frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            server.complete = true;
          return 0;
        });
    nghttp2_session_server_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Server() { nghttp2_session_del(session); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  using Fields = std::vector<std::pair<std::string, std::string>>;
  static std::vector<nghttp2_nv> made(const Fields& list) {
    std::vector<nghttp2_nv> out;
    for (const auto& [name, value] : list) {
      out.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0});
    }
    return out;
  }
  void head(const Fields& list, bool last = false) {
    const auto fields_made = made(list);
    nghttp2_submit_headers(session, last ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE, stream, nullptr,
                           fields_made.data(), fields_made.size(), nullptr);
  }
  void data(std::string_view bytes) {
    sending = bytes;
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      auto& server = *static_cast<Server*>(source->ptr);
      const std::size_t part = std::min(size, server.sending.size());
      std::copy_n(server.sending.begin(), part, to);
      server.sending.erase(0, part);
      if (server.sending.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      return static_cast<ssize_t>(part);
    };
    nghttp2_submit_data(session, NGHTTP2_FLAG_NONE, stream, &provider);
  }
  std::string output() {
    std::string out;
    const std::uint8_t* bytes = nullptr;
    for (ssize_t size = 1; size > 0;) {
      size = nghttp2_session_mem_send(session, &bytes);
      if (size > 0) out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return out;
  }

  nghttp2_session* session = nullptr;
  std::int32_t stream = 0;
  std::map<std::string, std::string> fields;
  std::string body;
  std::string sending;
  std::uint32_t reset = 0;
  bool left = false;
  bool complete = false;  // the request's end has come
};

const Server::Fields kGood{{":status", "200"}, {"content-type", "application/grpc"}};
const Server::Fields kDone{{"grpc-status", "0"}};

class GrpcSessionTest : public testing::Test {
 protected:
  bool begin(std::string_view body) {
    text_ = body;
    const std::array<std::string_view, 2> pieces{kHead, text_};
    return session.begin(pieces);
  }
  // Both talk until neither has anything to say; the server's bytes come `step` at a time.
  void talk(std::size_t step = 100000) {
    for (;;) {
      const std::string out{session.output()};
      session.sent(out.size());
      if (!out.empty()) {
        nghttp2_session_mem_recv(server.session, reinterpret_cast<const std::uint8_t*>(out.data()), out.size());
      }
      const std::string in = server.output();
      for (std::size_t at = 0; at < in.size(); at += step) session.take(std::string_view{in}.substr(at, step), told);
      if (out.empty() && in.empty()) return;
    }
  }

  GrpcSession session{GrpcSession::Scheme::http};
  Server server;
  std::string told;

 private:
  std::string text_;
};

TEST_F(GrpcSessionTest, ARequestBecomesACall) {
  ASSERT_TRUE(begin("hello"));
  talk();
  EXPECT_TRUE(session.request_sent());
  EXPECT_EQ(server.body, "hello");
  EXPECT_EQ(server.fields, (std::map<std::string, std::string>{{":method", "POST"},
                                                               {":scheme", "http"},
                                                               {":path", "/inference.GRPCInferenceService/ModelInfer"},
                                                               {":authority", "triton:8001"},
                                                               {"content-type", "application/grpc"},
                                                               {"te", "trailers"},
                                                               {"authorization", "Bearer secret"},
                                                               {"x-request-id", "r1"}}));
}

TEST_F(GrpcSessionTest, AnAnswerIsToldAndTheNextCallMayBegin) {
  for (int call = 0; call < 3; ++call) {
    ASSERT_TRUE(begin("hello"));
    talk();
    EXPECT_FALSE(session.idle());
    server.head(kGood);
    talk(1);
    EXPECT_TRUE(session.answered());
    EXPECT_EQ(told, "") << "a head alone may still become a refusal";
    server.data("message");
    talk(1);
    EXPECT_TRUE(told.ends_with("e\r\n")) << told;
    server.head(kDone, true);
    talk(1);
    EXPECT_TRUE(told.ends_with("grpc-message: \r\n\r\n0\r\n\r\n")) << told;
    EXPECT_TRUE(session.idle());
    session.end_call();
    told.clear();
  }
}

TEST_F(GrpcSessionTest, ALongRequestWaitsForTheServersWindows) {
  const std::string body(3'000'000, 'x');
  ASSERT_TRUE(begin(body));
  std::string out{session.output()};
  session.sent(out.size());
  EXPECT_FALSE(session.request_sent()) << "the window is 64 KiB";
  nghttp2_session_mem_recv(server.session, reinterpret_cast<const std::uint8_t*>(out.data()), out.size());
  talk();
  EXPECT_TRUE(session.request_sent());
  EXPECT_EQ(server.body.size(), body.size());
  EXPECT_FALSE(session.broken()) << "windows that open are no flood";
}

TEST_F(GrpcSessionTest, ALongAnswerKeepsComing) {
  ASSERT_TRUE(begin("hello"));
  talk();
  server.head(kGood);
  server.data(std::string(3'000'000, 'y'));
  talk(5000);
  EXPECT_GT(told.size(), 3'000'000U);
  server.head(kDone, true);
  talk();
  EXPECT_TRUE(session.idle());
}

TEST_F(GrpcSessionTest, AResetBreaksTheAnswer) {
  ASSERT_TRUE(begin("hello"));
  talk();
  server.head(kGood);
  talk();
  nghttp2_submit_rst_stream(server.session, NGHTTP2_FLAG_NONE, server.stream, NGHTTP2_INTERNAL_ERROR);
  talk();
  EXPECT_TRUE(session.broken());
  EXPECT_FALSE(session.idle());
}

TEST_F(GrpcSessionTest, AServerThatGoesMayFinishItsAnswer) {
  ASSERT_TRUE(begin("hello"));
  talk();
  nghttp2_submit_goaway(server.session, NGHTTP2_FLAG_NONE, server.stream, NGHTTP2_NO_ERROR, nullptr, 0);
  talk();
  EXPECT_FALSE(session.broken());
  server.head(kGood);
  server.data("message");
  server.head(kDone, true);
  talk();
  EXPECT_TRUE(told.ends_with("0\r\n\r\n")) << told;
  EXPECT_FALSE(session.idle());
}

TEST_F(GrpcSessionTest, AServerThatGoesWithoutTheCallBreaksIt) {
  ASSERT_TRUE(begin("hello"));
  talk();
  nghttp2_submit_goaway(server.session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  talk();
  EXPECT_TRUE(session.broken());
  EXPECT_FALSE(session.answered()) << "another connection may be tried";
}

TEST_F(GrpcSessionTest, CancellingTellsTheServer) {
  ASSERT_TRUE(begin("hello"));
  talk();
  server.head(kGood);
  talk();
  session.cancel();
  talk();
  EXPECT_EQ(server.reset, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_TRUE(server.left);
}

TEST_F(GrpcSessionTest, AFloodOfPingsEndsTheConnection) {
  ASSERT_TRUE(begin("hello"));
  talk();
  int pings = 0;
  for (; pings < 5000 && !session.broken(); ++pings) {
    nghttp2_submit_ping(server.session, NGHTTP2_FLAG_NONE, nullptr);
    talk();
  }
  EXPECT_GT(pings, 500) << "a server may ask now and then";
  EXPECT_LT(pings, 2000);
}

// What a server that speaks no libnghttp2 may send once the call has begun: how many bytes until it is too much.
std::size_t until_broken(GrpcSession& session, std::string_view frame, std::string& told) {
  constexpr std::size_t kFar = 4'000'000;
  std::size_t sent = 0;
  while (sent < kFar && !session.broken()) {
    session.take(frame, told);
    session.sent(session.output().size());
    sent += frame.size();
  }
  return sent;
}

constexpr std::string_view kPadOnly{"\0\0\1\0\x8\0\0\0\1\0", 10};     // DATA of a pad length and nothing else
constexpr std::string_view kUnknown{"\0\0\2\xEE\0\0\0\0\1xx", 11};    // a type that nobody knows
constexpr std::string_view kContinuation{"\0\0\0\x9\0\0\0\0\1", 9};   // of no bytes, and not the last
constexpr std::string_view kHeadOpens{"\0\0\1\1\0\0\0\0\1\x88", 10};  // ":status: 200", to be continued
constexpr std::string_view kOneByte{"\0\0\1\0\0\0\0\0\1x", 10};       // DATA that says little

TEST_F(GrpcSessionTest, FramesThatCarryNothingEndTheConnection) {
  ASSERT_TRUE(begin("hello"));
  talk();
  server.head(kGood);
  talk();
  EXPECT_LT(until_broken(session, kPadOnly, told), 100'000U);
  EXPECT_EQ(told, "");
}

TEST_F(GrpcSessionTest, FramesThatNobodyKnowsEndTheConnection) {
  ASSERT_TRUE(begin("hello"));
  talk();
  EXPECT_LT(until_broken(session, kUnknown, told), 1'000'000U);
}

TEST_F(GrpcSessionTest, AHeadThatNeverEndsEndsTheConnection) {
  ASSERT_TRUE(begin("hello"));
  talk();
  session.take(kHeadOpens, told);
  EXPECT_LT(until_broken(session, kContinuation, told), 1'000'000U);
}

TEST_F(GrpcSessionTest, AnAnswerThatComesByteByByteIsNoFlood) {
  ASSERT_TRUE(begin("hello"));
  talk();
  server.head(kGood);
  talk();
  for (int i = 0; i < 100'000; ++i) session.take(kOneByte, told);
  EXPECT_FALSE(session.broken());
  EXPECT_GT(told.size(), 100'000U);
}

TEST_F(GrpcSessionTest, OnlyARefusedStreamMayBeSentAgain) {
  for (const std::uint32_t code :
       {NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_ENHANCE_YOUR_CALM}) {
    GrpcSession asked{GrpcSession::Scheme::http};
    ASSERT_TRUE(asked.begin(std::array<std::string_view, 2>{kHead, "hello"}));
    asked.sent(asked.output().size());
    const std::string_view settings{"\0\0\0\4\0\0\0\0\0", 9};
    std::string reset{"\0\0\4\3\0\0\0\0\1\0\0\0", 12};
    reset += static_cast<char>(code);
    asked.take(settings, told);
    EXPECT_FALSE(asked.answered());
    asked.take(reset, told);
    EXPECT_TRUE(asked.broken());
    EXPECT_EQ(asked.answered(), code != NGHTTP2_REFUSED_STREAM) << code;
  }
}

TEST_F(GrpcSessionTest, HalfARequestDoesNotLookWhole) {
  ASSERT_TRUE(begin(std::string(200'000, 'x')));  // more than the window
  const std::string out{session.output()};
  session.sent(out.size());
  session.let_go();
  nghttp2_session_mem_recv(server.session, reinterpret_cast<const std::uint8_t*>(out.data()), out.size());
  talk();
  EXPECT_LT(server.body.size(), 200'000U);
  EXPECT_FALSE(server.complete);
  EXPECT_FALSE(session.request_sent());
  session.cancel();
  talk();
  EXPECT_FALSE(server.complete);
  EXPECT_EQ(server.reset, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
}

TEST_F(GrpcSessionTest, HeadsAreBounded) {
  ASSERT_TRUE(begin("hello"));
  talk();
  Server::Fields many = kGood;
  for (int i = 0; i < 2000; ++i) many.emplace_back("x-" + std::to_string(i), "");  // short, but many
  server.head(many);
  talk();
  EXPECT_TRUE(session.broken());
}

TEST_F(GrpcSessionTest, WhatIsNoHttp2IsRefused) {
  ASSERT_TRUE(begin("hello"));
  session.take("HTTP/1.1 400 Bad Request\r\n\r\n", told);
  session.sent(session.output().size());
  EXPECT_TRUE(session.broken());
  EXPECT_EQ(told, "");
  EXPECT_FALSE(session.begin(std::array<std::string_view, 1>{kHead}));
}

}  // namespace
}  // namespace intragate::net
