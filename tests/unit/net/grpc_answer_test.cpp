#include "net/grpc_answer.h"

#include <gtest/gtest.h>

namespace intragate::net {
namespace {

using namespace std::string_literals;

GrpcAnswer begun(std::string_view status = "200", std::string_view type = "application/grpc") {
  GrpcAnswer answer;
  answer.field(":status", status);
  answer.field("content-type", type);
  answer.head_ends();
  return answer;
}

void trailers(GrpcAnswer& answer, std::string_view status, std::string_view message = {}) {
  answer.field("grpc-status", status);
  if (!message.empty()) answer.field("grpc-message", message);
}

TEST(GrpcAnswer, MessagesAndTrailersAreTheBody) {
  GrpcAnswer answer = begun();
  std::string told;
  answer.body("\0\0\0\0\1x"s, told);
  EXPECT_EQ(
      told,
      "HTTP/1.1 200 -\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n6\r\n\0\0\0\0\1x\r\n"s);
  told.clear();
  answer.body("", told);
  EXPECT_EQ(told, "") << "an empty chunk would end the body";
  trailers(answer, "0");
  answer.end(told);
  EXPECT_EQ(told, "25\r\n\x80\0\0\0\x20grpc-status: 0\r\ngrpc-message: \r\n\r\n0\r\n\r\n"s);
}

TEST(GrpcAnswer, ACallThatFailsAtOnceHasAStatus) {
  GrpcAnswer answer;
  answer.field(":status", "200");
  answer.field("content-type", "application/grpc");
  trailers(answer, "5", "unknown model: %27m%27");
  answer.head_ends();
  std::string told;
  answer.end(told);
  EXPECT_EQ(told, "HTTP/1.1 404 -\r\ncontent-type: text/plain\r\ncontent-length: 18\r\n\r\nunknown model: 'm'");
  answer.end(told);
  answer.body("x", told);
  EXPECT_TRUE(told.ends_with("'m'")) << "nothing follows";
}

TEST(GrpcAnswer, AStatusSaysWhoseFaultItIs) {
  for (const auto& [grpc, http] : {std::pair{3, 400},
                                   {4, 504},
                                   {5, 404},
                                   {7, 403},
                                   {8, 429},
                                   {12, 501},
                                   {13, 500},
                                   {14, 503},
                                   {16, 401},
                                   {2, 500},
                                   {99, 500},
                                   {-1, 500}}) {
    EXPECT_EQ(http_status(grpc), http) << grpc;
  }
}

TEST(GrpcAnswer, WithoutAStatusItHasFailed) {
  GrpcAnswer silent = begun();
  std::string told;
  silent.end(told);
  EXPECT_TRUE(told.starts_with("HTTP/1.1 500 ")) << told;
  GrpcAnswer cut = begun();
  told.clear();
  cut.body("x", told);
  cut.end(told);
  EXPECT_NE(told.find("grpc-status: 2\r\n"), std::string::npos) << told;
  GrpcAnswer strange = begun();
  trailers(strange, "4294967296");
  told.clear();
  strange.end(told);
  EXPECT_TRUE(told.starts_with("HTTP/1.1 500 ")) << told;
}

TEST(GrpcAnswer, WordsCannotEndALine) {
  GrpcAnswer answer = begun();
  std::string told;
  answer.body("x", told);
  trailers(answer, "9", "a%0D%0Agrpc-status: 0%");
  answer.end(told);
  EXPECT_NE(told.find("grpc-message: a  grpc-status: 0%\r\n"), std::string::npos) << told;
  GrpcAnswer page = begun("502", "text/html\r\nx: y");
  told.clear();
  page.body("<html>", told);
  EXPECT_TRUE(told.starts_with("HTTP/1.1 502 -\r\ncontent-type: text/html  x: y\r\n")) << told;
}

TEST(GrpcAnswer, WhatIsNoGrpcPassesAsItIs) {
  GrpcAnswer page = begun("404", "text/html");
  std::string told;
  page.body("<html>", told);
  page.end(told);
  EXPECT_EQ(told,
            "HTTP/1.1 404 -\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n6\r\n<html>\r\n0\r\n\r\n");
}

TEST(GrpcAnswer, InterimHeadsAreForgotten) {
  GrpcAnswer answer;
  answer.field(":status", "103");
  answer.field("grpc-status", "0");
  answer.head_ends();
  EXPECT_FALSE(answer.begun());
  answer.field(":status", "200");
  answer.field("content-type", "application/grpc+proto");
  trailers(answer, "14");
  answer.head_ends();
  EXPECT_TRUE(answer.begun());
  std::string told;
  answer.end(told);
  EXPECT_TRUE(told.starts_with("HTTP/1.1 503 ")) << told;
}

TEST(GrpcAnswer, WordsAreBounded) {
  GrpcAnswer answer = begun();
  trailers(answer, "13", std::string(100000, 'x'));
  std::string told;
  answer.end(told);
  EXPECT_LT(told.size(), 5000U);
}

}  // namespace
}  // namespace intragate::net
