#include "dialect/kserve.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/grpc_notation.h"

namespace intragate::dialect::kserve {
namespace {

using config::TensorType;
using grpc_notation::encoded;
using grpc_notation::message;

constexpr std::string_view kTensor = R"(5 {1 "out" 2 "BYTES" 3 "\x01"} )";

InferAnswer read(std::string_view raw) {
  static std::string bytes;  // what the answer's views point into
  bytes = message(std::string{kTensor} + std::string{raw});
  return read_answer(bytes, "out");
}

Result<std::string> ask(TensorType type, const std::string& value) {
  const std::array<Tensor, 1> tensors{Tensor{.name = "t", .type = type, .values = {value}}};
  return infer_request({.model = "m", .version = {}, .output = "out", .inputs = tensors});
}

std::string raw_of(TensorType type, const std::string& value) {
  const Result<std::string> request = ask(type, value);
  if (!request) return "refused";
  protobuf::FieldScan scan{std::string_view{*request}.substr(5)};
  std::string raw;
  while (const auto field = scan.next()) {
    if (field->is_bytes(7)) raw = field->bytes;
  }
  return raw;
}

TEST(Kserve, ValuesAreWrittenLeastByteFirst) {
  using namespace std::string_literals;
  EXPECT_EQ(raw_of(TensorType::bytes, "ab"), "\x02\0\0\0ab"s);
  EXPECT_EQ(raw_of(TensorType::boolean, "true"), "\x01"s);
  EXPECT_EQ(raw_of(TensorType::boolean, "false"), "\0"s);
  EXPECT_EQ(raw_of(TensorType::int32, "258"), "\x02\x01\0\0"s);
  EXPECT_EQ(raw_of(TensorType::int32, "-1"), "\xff\xff\xff\xff"s);
  EXPECT_EQ(raw_of(TensorType::int32, "1e3"), "\xe8\x03\0\0"s);
  EXPECT_EQ(raw_of(TensorType::int64, "-2"), "\xfe\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(raw_of(TensorType::uint64, "18446744073709551615"), "\xff\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(raw_of(TensorType::fp32, "1"), "\0\0\x80\x3f"s);
}

TEST(Kserve, ATypeRefusesWhatItCannotHold) {
  for (const char* value : {"1.5", "2147483648", "-2147483649", "1e99", "x", ""}) {
    EXPECT_EQ(raw_of(TensorType::int32, value), "refused") << value;
  }
  EXPECT_EQ(raw_of(TensorType::uint64, "-1"), "refused");
  EXPECT_EQ(raw_of(TensorType::fp32, "1e99"), "refused");
  EXPECT_TRUE(ask(TensorType::int32, "1.5").error().message.find("INT32") != std::string::npos);
}

TEST(Kserve, TheTextIsTheFirstOfItsTensor) {
  EXPECT_EQ(read(R"(6 "\x02\x00\x00\x00Hi\x01\x00\x00\x00!")").text, "Hi");
  EXPECT_EQ(read(R"(6 "\x00\x00\x00\x00")").text, "");
  EXPECT_FALSE(read(R"(6 "")").text) << "a tensor without elements";
  EXPECT_FALSE(read("").text);
  EXPECT_TRUE(read("").found);
  EXPECT_FALSE(read_answer(message(R"(5 {1 "other" 2 "BYTES"} 6 "\x02\x00\x00\x00Hi")"), "out").found);
}

TEST(Kserve, WhatIsNoTextIsMalformed) {
  EXPECT_TRUE(read(R"(6 "\x03\x00\x00\x00Hi")").malformed);
  EXPECT_TRUE(read(R"(6 "\xff\xff\xff\xffHi")").malformed);
  EXPECT_TRUE(read(R"(6 "\x02\x00")").malformed);
  EXPECT_TRUE(read_answer(message(R"(5 {1 "out" 2 "INT32"} 6 "\x00\x00\x80\x3f")"), "out").malformed);
  EXPECT_TRUE(read_answer("\x2a\x7f", "out").malformed);
}

TEST(Kserve, NumbersAreThoseOfTheirTensor) {
  const std::string raw = message(R"(5 {1 "other" 2 "FP32"} 5 {1 "out" 2 "FP16" 3 "\x01\x80\x06"} 6 "no" 6 "ab")");
  const std::optional<Numbers> numbers = read_answer(raw, "out").numbers;
  ASSERT_TRUE(numbers);
  EXPECT_EQ(numbers->type, "FP16");
  EXPECT_EQ(numbers->columns, 768);
  EXPECT_EQ(numbers->bytes, "ab");
  EXPECT_FALSE(read_answer(raw, "out").text);
  const std::string typed = message(R"(5 {1 "out" 2 "FP32" 3 "\x01" 5 {8 "text" 6 "abcd"}})");
  EXPECT_EQ(read_answer(typed, "out").numbers->bytes, "abcd");
  EXPECT_EQ(read_answer(message(R"(5 {1 "out" 2 "FP32" 3 "\x80"})"), "out").numbers->columns, 0) << "broken off";
}

TEST(Kserve, StreamsOfTritonAndOfOthersAreTold) {
  const std::string inner = std::string{kTensor} + R"(6 "\x02\x00\x00\x00Hi")";
  const std::string triton = message("2 {" + inner + "}");
  const std::string other = message("1 \"model\" " + inner);
  const std::string error = message("1 \"gave up\"");
  EXPECT_EQ(read_stream_answer(triton, "out").text, "Hi");
  EXPECT_EQ(read_stream_answer(other, "out").text, "Hi");
  EXPECT_EQ(read_stream_answer(other, "out").error, "");
  EXPECT_EQ(read_stream_answer(error, "out").error, "gave up");
  EXPECT_FALSE(read_stream_answer("", "out").malformed) << "an answer without outputs says nothing";
}

TEST(Kserve, FramesEndWithTheirLength) {
  const std::string body = encoded("message 1 \"a\"\ntrailers \"grpc-status: 3\\r\\ngrpc-message: no  \\r\\n\"");
  std::string_view rest = body;
  EXPECT_EQ(next_frame(rest)->data, message("1 \"a\""));
  const std::optional<Frame> trailers = next_frame(rest);
  ASSERT_EQ(trailers->kind, Frame::Kind::trailers);
  EXPECT_EQ(status_of(trailers->data).code, 3);
  EXPECT_EQ(status_of(trailers->data).message, "no");
  EXPECT_FALSE(next_frame(rest));
  std::string_view cut = std::string_view{body}.substr(0, 7);
  EXPECT_EQ(next_frame(cut)->kind, Frame::Kind::bad);
  using namespace std::string_view_literals;
  std::string_view packed = "\x01\0\0\0\0"sv;
  EXPECT_EQ(next_frame(packed)->kind, Frame::Kind::bad);
  EXPECT_EQ(status_of("grpc-message: x\r\n").code, -1);
}

TEST(Kserve, AServerSaysWhetherItIsReady) {
  EXPECT_TRUE(says_ready(encoded("message 1 1")));
  EXPECT_FALSE(says_ready(encoded("message 1 0")));
  EXPECT_FALSE(says_ready(encoded("message")));
  EXPECT_FALSE(says_ready("<html>"));
  EXPECT_FALSE(says_ready(""));
}

TEST(Kserve, ARequestCanBeReadByPeople) {
  const std::array<Tensor, 3> tensors{Tensor{.name = "text", .values = {"a \"b\"", "c"}},
                                      Tensor{.name = "n", .type = TensorType::int32, .values = {"-7"}},
                                      Tensor{.name = "live", .type = TensorType::boolean, .values = {"true"}}};
  const Result<std::string> request = infer_request({.model = "m", .version = "1", .output = "out", .inputs = tensors});
  EXPECT_EQ(describe(*request), R"({"model_name":"m","model_version":"1","inputs":[)"
                                R"({"name":"text","datatype":"BYTES","contents":["a \"b\"","c"]},)"
                                R"({"name":"n","datatype":"INT32","contents":["-7"]},)"
                                R"({"name":"live","datatype":"BOOL","contents":["true"]}]})");
  EXPECT_EQ(describe("no frame"), "");
}

}  // namespace
}  // namespace intragate::dialect::kserve
