#include "base/time_text.h"

#include <array>
#include <charconv>
#include <cstring>

namespace intragate {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;
using std::chrono::year_month_day;

// Writes `value` right-aligned with leading zeros.
inline void put_digits(char* to, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

std::optional<unsigned> month_number(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] == name) return i + 1;
  }
  return std::nullopt;
}

}  // namespace

char* write_rfc3339(char* to, WallTime at) {
  const auto ms = floor<std::chrono::milliseconds>(at);
  const auto day = floor<days>(ms);
  const year_month_day date{day};
  const auto in_day = static_cast<unsigned>((ms - day).count());
  std::memcpy(to, "0000-00-00T00:00:00.000Z", kRfc3339Size);
  put_digits(to, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_digits(to + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(to + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(to + 11, in_day / 3'600'000, 2);
  put_digits(to + 14, in_day / 60'000 % 60, 2);
  put_digits(to + 17, in_day / 1'000 % 60, 2);
  put_digits(to + 20, in_day % 1'000, 3);
  return to + kRfc3339Size;
}

void append_rfc3339(std::string& out, WallTime at) {
  std::array<char, kRfc3339Size> text;
  out.append(text.data(), write_rfc3339(text.data(), at));
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  constexpr std::string_view kShape = "Sun, 06 Nov 1994 08:49:37 GMT";
  if (text.size() != kShape.size() || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ')
    return std::nullopt;
  if (text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT") return std::nullopt;

  const auto day = digits(text.substr(5, 2));
  const auto month = month_number(text.substr(8, 3));
  const auto year = digits(text.substr(12, 4));
  const auto hour = digits(text.substr(17, 2));
  const auto minute = digits(text.substr(20, 2));
  const auto second = digits(text.substr(23, 2));
  if (!day || !month || !year || !hour || !minute || !second) return std::nullopt;
  if (*year < 1970 || *year > 2200 || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;  // 60: leap second

  const year_month_day date{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                            std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  return WallTime{sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

}  // namespace intragate
