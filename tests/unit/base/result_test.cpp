#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace intragate {
namespace {

Result<std::string> value() {
  return std::string{"yes"};
}
Result<std::string> failure() {
  return make_error(Code::io, "No.");
}

TEST(Result, HoldsAValue) {
  Result<std::string> result = value();
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "yes");
  EXPECT_EQ(result->size(), 3U);
  *result += "!";
  EXPECT_EQ(*std::as_const(result), "yes!");
}

TEST(Result, HoldsAnError) {
  Result<std::string> result = failure();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::io);
  EXPECT_EQ(std::as_const(result).error().message, "No.");
}

TEST(Result, GivesItsContentsAway) {
  Result<std::unique_ptr<int>> number{std::make_unique<int>(7)};
  const std::unique_ptr<int> taken = *std::move(number);
  EXPECT_EQ(*taken, 7);
  Result<std::string> result = failure();
  const Error error = std::move(result).error();
  EXPECT_EQ(error.message, "No.");
}

TEST(Result, OfAnErrorIsNotMistaken) {
  const Result<Unit> done = Unit{};
  EXPECT_TRUE(done);
  const Result<Unit> failed = make_error(Code::internal, "No.");
  EXPECT_FALSE(failed);
}

#ifndef NDEBUG
TEST(ResultDeathTest, AssertsThatSomebodyAskedFirst) {
  EXPECT_DEATH(static_cast<void>(*failure()), "");
  EXPECT_DEATH(static_cast<void>(value().error()), "");
}
#endif

}  // namespace
}  // namespace intragate
