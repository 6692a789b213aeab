#include "dialect/kserve_vectors.h"

#include <gtest/gtest.h>

namespace intragate::dialect::kserve {
namespace {

using namespace std::string_literals;
using Vectors = std::vector<std::string>;

constexpr const char* kNone = "no vectors";

Vectors of(std::string_view type, std::uint64_t columns, const std::string& bytes) {
  Vectors out;
  return append_vectors(Numbers{type, columns, bytes}, out) ? out : Vectors{kNone};
}

Vectors of(std::string_view json) {
  Vectors out;
  return append_vectors(json, out) ? out : Vectors{kNone};
}

TEST(KserveVectors, EveryKindOfFloatIsRead) {
  EXPECT_EQ(of("FP32", 2, "\0\0\x80\x3f\xcd\xcc\xcc\xbd"s), (Vectors{"[1,-0.1]"}));
  EXPECT_EQ(of("FP64", 1, "\x9a\x99\x99\x99\x99\x99\xb9\x3f"s), (Vectors{"[0.1]"}));
  EXPECT_EQ(of("FP16", 4, "\0\x3c\0\xc1\x01\0\xff\x7b"s), (Vectors{"[1,-2.5,5.9604645e-08,65504]"}));
  EXPECT_EQ(of("BF16", 2, "\x80\x3f\x20\xc0"s), (Vectors{"[1,-2.5]"}));
}

TEST(KserveVectors, RowsAreVectorsInTheirOrder) {
  EXPECT_EQ(of("BF16", 1, "\x80\x3f\x20\xc0"s), (Vectors{"[1]", "[-2.5]"}));
  EXPECT_EQ(of(R"({"shape":[2,2],"data":[1,2,3,4]})"), (Vectors{"[1,2]", "[3,4]"}));
  EXPECT_EQ(of(R"({"data":[[1,2],[3,4]],"shape":[2,2]})"), (Vectors{"[1,2]", "[3,4]"}));
  EXPECT_EQ(of(R"({"data":[[[1,2]],[[3,4]]],"shape":[2,1,2]})"), (Vectors{"[1,2]", "[3,4]"}));
}

TEST(KserveVectors, WhatIsNoTensorOfNumbersIsRefused) {
  EXPECT_EQ(of("FP32", 2, "\0\0\x80\x3f"s), Vectors{kNone}) << "half a vector";
  EXPECT_EQ(of("FP32", 1, "\0\0\x80"s), Vectors{kNone}) << "half a number";
  EXPECT_EQ(of("FP32", 0, "\0\0\x80\x3f"s), Vectors{kNone}) << "no dimension";
  EXPECT_EQ(of("FP32", 1, ""), Vectors{kNone});
  EXPECT_EQ(of("INT8", 1, "a"), Vectors{kNone});
  EXPECT_EQ(of("FP32", 1, "\0\0\xc0\x7f"s), Vectors{kNone}) << "not a number";
  EXPECT_EQ(of("FP16", 1, "\0\x7c"s), Vectors{kNone}) << "infinity";
  EXPECT_EQ(of("FP32", 1, std::string(4 * 100'001, '\0')), Vectors{kNone}) << "more than anybody can have asked for";
  EXPECT_EQ(of(R"({"shape":[2],"data":[1,"a"]})"), Vectors{kNone});
  EXPECT_EQ(of(R"({"shape":[2],"data":[1,null]})"), Vectors{kNone});
  EXPECT_EQ(of(R"({"shape":[3],"data":[1,2]})"), Vectors{kNone});
  EXPECT_EQ(of(R"({"data":[1,2]})"), Vectors{kNone});
  EXPECT_EQ(of(R"({"shape":[2]})"), Vectors{kNone});
  EXPECT_EQ(of(R"({"shape":[2],"data":"1,2"})"), Vectors{kNone});
  EXPECT_EQ(of(R"({"shape":[1],"data":[[[[[[1]]]]]]})"), Vectors{kNone}) << "deeper than tensors are";
}

}  // namespace
}  // namespace intragate::dialect::kserve
