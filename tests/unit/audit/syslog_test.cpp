#include "audit/syslog.h"

#include <gtest/gtest.h>

#include "audit/record.h"

namespace intragate::audit {
namespace {

const SyslogOrigin kOrigin{"gw1", "42"};
constexpr std::string_view kCall =
    R"({"seq":7,"time":"2026-11-28T15:00:00.123Z","request_id":"a","event_not":"x","content":null})";

std::string message(std::string_view line) {
  std::string out;
  append_syslog(out, line, kOrigin);
  return out;
}

TEST(Syslog, ACallIsAMessageWithTheRecordAsItStands) {
  EXPECT_EQ(message(kCall), "<110>1 2026-11-28T15:00:00.123Z gw1 intragate 42 call - " + std::string{kCall});
}

TEST(Syslog, AnEventIsNamed) {
  std::string line;
  append_seq(line, 3);
  append_fields(line, WallTime{}, {.name = "calls.cancel", .actor = "admin"});
  line += '}';
  EXPECT_EQ(message(line).find("<110>1 1970-01-01T00:00:00.000Z gw1 intragate 42 calls.cancel - {\"seq\":3,"), 0U)
      << message(line);
}

TEST(Syslog, WhatIsNoTimeIsNil) {
  EXPECT_TRUE(message(R"({"seq":7})").starts_with("<110>1 - gw1 intragate 42 call - "));
  EXPECT_TRUE(message(R"({"seq":7,"time":"two words"})").starts_with("<110>1 - gw1 "));
  EXPECT_TRUE(message(R"({"seq":7,"time":"never en)").starts_with("<110>1 - gw1 "));
}

TEST(Syslog, OctetsAreCountedWithoutTheCountItself) {
  std::string out = "before";
  append_counted_syslog(out, kCall, kOrigin);
  const std::string one = message(kCall);
  EXPECT_EQ(out, "before" + std::to_string(one.size()) + " " + one);
}

TEST(Syslog, TheOriginOfThisProcessHasNoSpaces) {
  const SyslogOrigin own = syslog_origin();
  EXPECT_FALSE(own.host.empty());
  EXPECT_EQ(own.host.find(' '), std::string::npos);
}

}  // namespace
}  // namespace intragate::audit
