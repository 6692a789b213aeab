#include "base/error_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <vector>

namespace intragate {
namespace {

using namespace std::chrono_literals;

std::vector<ErrorRow> rows() {
  std::vector<ErrorRow> all;
  for (std::size_t i = 0; i < kCodeCount; ++i) all.push_back(error_row(static_cast<Code>(i)));
  return all;
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(ErrorTable, HasACompleteRowForEveryCode) {
  constexpr std::array<std::string_view, 9> kOutcomes{
      "ok",        "refused", "client_cancelled", "upstream_error", "upstream_timeout",
      "malformed", "error",   "shutdown",         "cancelled"};
  constexpr std::array<std::string_view, 7> kTypes{"invalid_request_error", "authentication_error", "permission_error",
                                                   "rate_limit_error",      "upstream_error",       "server_error",
                                                   "cancelled_error"};
  std::set<std::string_view> names;
  for (const ErrorRow& row : rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << row.name;
    EXPECT_GE(row.status, 400) << row.name;
    EXPECT_LE(row.status, 504) << row.name;
    EXPECT_TRUE(is_one_of(row.type, kTypes)) << row.name;
    EXPECT_TRUE(is_one_of(row.outcome, kOutcomes)) << row.name;
  }
}

TEST(ErrorTable, SaysWhenToComeBack) {
  for (const ErrorRow& row : rows()) {
    const bool come_back = row.status == 429 || row.status == 503;
    EXPECT_EQ(row.retry_after, come_back) << row.name;
  }
}

TEST(ErrorTable, BlamesTheRightSide) {
  for (const ErrorRow& row : rows()) {
    if (row.fault == Fault::dependency) {
      EXPECT_EQ(row.status, 503) << row.name;
    }
    if (row.fault == Fault::client) {
      EXPECT_LT(row.status, 500) << row.name;
    }
    if (row.fault == Fault::upstream) {
      EXPECT_GE(row.status, 500) << row.name;
    }
    if (row.status == 401) {
      EXPECT_EQ(row.fault, Fault::client) << row.name;
    }
    if (row.status == 408) {
      EXPECT_EQ(row.code, Code::request_timeout) << row.name;
    }
    if (row.status == 499) {
      EXPECT_EQ(row.code, Code::client_gone) << row.name;
    }
  }
  EXPECT_EQ(error_row(Code::upstream_timeout).status, 504);
}

// OpenAI's clients try 408, 409, 429 and every 5xx again by themselves, which is not what an administrator wants who
// ends a call.
TEST(ErrorTable, CancelledCallsAreNotTriedAgainByClients) {
  const int status = error_row(Code::cancelled).status;
  EXPECT_TRUE(status >= 400 && status < 500 && status != 408 && status != 409 && status != 429 && status != 499);
}

TEST(ErrorTable, NeverRepeatsWhatTheClientDidWrong) {
  for (const ErrorRow& row : rows()) {
    if (row.fault == Fault::client) {
      EXPECT_EQ(row.retry, Retry::never) << row.name;
    }
    if (row.retry == Retry::elsewhere) {
      EXPECT_GE(row.status, 502) << row.name;
    }
  }
}

TEST(MakeError, TakesFaultAndRetryFromTheTable) {
  const Error error = make_error(Code::upstream_timeout, "Too slow.").because("10.0.0.1").after(3s);
  EXPECT_EQ(error.fault, Fault::upstream);
  EXPECT_EQ(error.retry, Retry::elsewhere);
  EXPECT_EQ(error.message, "Too slow.");
  EXPECT_EQ(error.detail, "10.0.0.1");
  EXPECT_EQ(error.retry_after, 3s);
  EXPECT_EQ(make_error(Code::io, "").retrying(Retry::fresh_connection).retry, Retry::fresh_connection);
}

TEST(RetryAfterSeconds, AreWholeSecondsFromOneToAnHour) {
  Error error = make_error(Code::rate_limited, "Wait.");
  EXPECT_EQ(retry_after_seconds(error), 1);
  EXPECT_EQ(retry_after_seconds(error, 5), 5);
  error.retry_after = 1ms;
  EXPECT_EQ(retry_after_seconds(error, 5), 1);
  error.retry_after = 1001ms;
  EXPECT_EQ(retry_after_seconds(error), 2);
  error.retry_after = 48h;
  EXPECT_EQ(retry_after_seconds(error), 3600);
}

}  // namespace
}  // namespace intragate
