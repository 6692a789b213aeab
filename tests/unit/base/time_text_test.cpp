#include "base/time_text.h"

#include <gtest/gtest.h>

namespace intragate {
namespace {

using namespace std::chrono_literals;

std::string text_of(WallTime at) {
  std::string out;
  append_rfc3339(out, at);
  return out;
}

TEST(TimeText, WritesUtcWithMilliseconds) {
  EXPECT_EQ(text_of(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(text_of(WallTime{1'767'225'599'999'999'999ns}), "2025-12-31T23:59:59.999Z");
  EXPECT_EQ(text_of(WallTime{951'827'696'007ms}), "2000-02-29T12:34:56.007Z");
  EXPECT_EQ(text_of(WallTime{-1ms}), "1969-12-31T23:59:59.999Z");
}

TEST(TimeText, ReadsHttpDates) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), WallTime{784'111'777s});
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), WallTime{});
}

TEST(TimeText, RefusesWhatIsNoHttpDate) {
  for (const char* text :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT ",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 9999 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace intragate
