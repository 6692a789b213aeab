#include "config/units.h"

#include <gtest/gtest.h>

namespace intragate::config {
namespace {

TEST(ParseDuration, ReadsWholeNumbersWithAUnit) {
  EXPECT_EQ(*parse_duration("200ms"), 200ms);
  EXPECT_EQ(*parse_duration("25s"), 25s);
  EXPECT_EQ(*parse_duration("10m"), 10min);
  EXPECT_EQ(*parse_duration("1h"), 1h);
  EXPECT_EQ(*parse_duration("90d"), 90 * 24h);
  EXPECT_EQ(*parse_duration("0s"), 0s);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* wrong :
       {"", "s", "25", "-1s", "+1s", "1.5s", "1,5s", "1s30s", "s25", "1 w", "99999999999999999999s", "4000d", "∞"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(ParseDuration, SuggestsTheUnitThatWasMeant) {
  EXPECT_EQ(parse_duration("25").error().detail, "did you mean `25s`?");
  EXPECT_EQ(parse_duration("25sec").error().detail, "did you mean `25s`?");
  EXPECT_EQ(parse_duration("25 s").error().detail, "did you mean `25s`?");
  EXPECT_EQ(parse_duration("2Minutes").error().detail, "did you mean `2m`?");
  EXPECT_EQ(parse_duration("3 msec").error().detail, "did you mean `3ms`?");
  EXPECT_NE(parse_duration("3 fortnights").error().message.find("ms, s, m, h, d"), std::string::npos);
}

TEST(ParseSize, KnowsBothKindsOfUnits) {
  EXPECT_EQ(*parse_size("4096"), 4096U);
  EXPECT_EQ(*parse_size("4096B"), 4096U);
  EXPECT_EQ(*parse_size("8KiB"), 8192U);
  EXPECT_EQ(*parse_size("32MiB"), 32U * 1024 * 1024);
  EXPECT_EQ(*parse_size("1GiB"), 1024U * 1024 * 1024);
  EXPECT_EQ(*parse_size("8KB"), 8000U);
  EXPECT_EQ(*parse_size("2MB"), 2'000'000U);
  EXPECT_EQ(*parse_size("1GB"), 1'000'000'000U);
}

TEST(ParseSize, SuggestsTheUnitThatWasMeant) {
  EXPECT_EQ(parse_size("8kb").error().detail, "did you mean `8KB`?");
  EXPECT_EQ(parse_size("8k").error().detail, "did you mean `8KiB`?");
  EXPECT_EQ(parse_size("32 mib").error().detail, "did you mean `32MiB`?");
  EXPECT_EQ(parse_size("7 bytes").error().detail, "did you mean `7B`?");
  for (const char* wrong : {"", "MiB", "-1", "1.5MiB", "1x", "18446744073709551616", "99999999TiB"}) {
    EXPECT_FALSE(parse_size(wrong)) << wrong;
  }
}

TEST(ParsePercent, WantsTheSign) {
  EXPECT_EQ(*parse_percent("20%"), 20U);
  EXPECT_EQ(parse_percent("20").error().detail, "did you mean `20%`?");
  for (const char* wrong : {"", "%", "-1%", "2.5%", "20 %", "20%%"}) EXPECT_FALSE(parse_percent(wrong)) << wrong;
}

TEST(ParseUtc, ReadsMomentsThatExist) {
  using std::chrono::sys_days;
  EXPECT_EQ(*parse_utc("2027-01-01T00:00:00Z"), WallTime{sys_days{std::chrono::year{2027} / 1 / 1}});
  EXPECT_EQ(*parse_utc("2028-02-29T23:59:59Z"), WallTime{sys_days{std::chrono::year{2028} / 2 / 29} + 86'399s});
  for (const char* wrong :
       {"", "2027", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z", "2027-01-01T24:00:00Z",
        "2027-01-01T00:60:00Z", "2027-01-01T00:00:60Z", "2027-01-01 00:00:00Z", "2027-01-01T00:00:00+08:00",
        "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "2027-01-01t00:00:00z"}) {
    EXPECT_FALSE(parse_utc(wrong)) << wrong;
  }
  EXPECT_EQ(parse_utc("2027-01-01").error().detail, "did you mean `2027-01-01T00:00:00Z`?");
  EXPECT_EQ(parse_utc("2027-01-01T10:00:00").error().detail, "did you mean `2027-01-01T10:00:00Z`?");
}

}  // namespace
}  // namespace intragate::config
