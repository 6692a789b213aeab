#include "qos/answer_length.h"

#include <gtest/gtest.h>

namespace intragate::qos {
namespace {

TEST(AnswerLength, ReservesByRecentAnswersNotByTheContextWindow) {
  AnswerLength length;
  for (int i = 0; i < 100; ++i) length.count(i % 2 == 0 ? 100 : 300);
  EXPECT_NEAR(static_cast<double>(length.expected(std::nullopt)), 200, 20);
  EXPECT_NEAR(static_cast<double>(length.cautious(std::nullopt)), 300, 30);
}

TEST(AnswerLength, IsNeverMoreThanTheCallAllows) {
  AnswerLength length;
  EXPECT_EQ(length.expected(16), 16U);
  EXPECT_EQ(length.cautious(16), 16U);
  for (int i = 0; i < 100; ++i) length.count(10);
  EXPECT_LE(length.expected(4096), 11U) << "max_tokens is a bound, not a forecast";
}

TEST(AnswerLength, FollowsAModelThatChanges) {
  AnswerLength length;
  for (int i = 0; i < 1000; ++i) length.count(50);
  for (int i = 0; i < 300; ++i) length.count(1000);
  EXPECT_GT(length.expected(std::nullopt), 900U);
}

TEST(AnswerLength, NeverReservesNothing) {
  AnswerLength length;
  for (int i = 0; i < 100; ++i) length.count(0);
  EXPECT_EQ(length.expected(std::nullopt), 1U);
}

}  // namespace
}  // namespace intragate::qos
