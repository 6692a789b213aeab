#include "config/units.h"

#include <array>
#include <span>
#include <string>

#include "base/text.h"
#include "config/problems.h"

namespace intragate::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

struct Misspelling {
  std::string_view written;  // in lower case
  std::string_view meant;
};

constexpr std::uint64_t kNanoseconds = 1'000'000'000;
constexpr std::array<Unit, 5> kDurationUnits{{{"ms", kNanoseconds / 1000},
                                              {"s", kNanoseconds},
                                              {"m", 60 * kNanoseconds},
                                              {"h", 3600 * kNanoseconds},
                                              {"d", 86'400 * kNanoseconds}}};
constexpr std::uint64_t kLongestDuration = 3650 * 86'400 * kNanoseconds;
constexpr std::array<Misspelling, 23> kDurationMisspellings{{
    {"msec", "ms"},
    {"msecs", "ms"},
    {"milli", "ms"},
    {"millis", "ms"},
    {"millisecond", "ms"},
    {"milliseconds", "ms"},
    {"sec", "s"},
    {"secs", "s"},
    {"second", "s"},
    {"seconds", "s"},
    {"s", "s"},
    {"min", "m"},
    {"mins", "m"},
    {"minute", "m"},
    {"minutes", "m"},
    {"m", "m"},
    {"hr", "h"},
    {"hrs", "h"},
    {"hour", "h"},
    {"hours", "h"},
    {"h", "h"},
    {"day", "d"},
    {"days", "d"},
}};

constexpr std::array<Unit, 10> kSizeUnits{{{"", 1},
                                           {"B", 1},
                                           {"KB", 1000},
                                           {"MB", 1'000'000},
                                           {"GB", 1'000'000'000},
                                           {"KiB", kKiB},
                                           {"MiB", kMiB},
                                           {"GiB", 1024 * kMiB},
                                           {"TB", 1'000'000'000'000},
                                           {"TiB", 1024 * 1024 * kMiB}}};
constexpr std::uint64_t kLargestSize = std::uint64_t{1} << 60;
constexpr std::array<Misspelling, 15> kSizeMisspellings{{
    {"b", "B"},
    {"byte", "B"},
    {"bytes", "B"},
    {"k", "KiB"},
    {"kb", "KB"},
    {"kib", "KiB"},
    {"ki", "KiB"},
    {"m", "MiB"},
    {"mb", "MB"},
    {"mib", "MiB"},
    {"mi", "MiB"},
    {"g", "GiB"},
    {"gb", "GB"},
    {"gib", "GiB"},
    {"gi", "GiB"},
}};

// What tells a kind of quantity from another.
struct Quantity {
  std::string_view wanted;  // "a duration such as 25s or 200ms"
  std::string_view units;   // "ms, s, m, h, d"
  std::span<const Unit> table;
  std::span<const Misspelling> misspellings;
  std::string_view usual_unit;  // suggested when there is none
  std::uint64_t most;
};
constexpr Quantity kDuration{
    "a duration such as 25s or 200ms", "ms, s, m, h, d", kDurationUnits, kDurationMisspellings, "s", kLongestDuration};
constexpr Quantity kSize{"a size such as 4096, 8KiB or 32MiB",
                         "B, KiB, MiB, GiB, KB, MB, GB",
                         kSizeUnits,
                         kSizeMisspellings,
                         "B",
                         kLargestSize};

Error bad(std::string message, std::string_view meant = {}) {
  return make_error(Code::invalid_configuration, std::move(message)).because(did_you_mean(meant));
}

std::string_view meant_unit(const Quantity& quantity, std::string_view unit) {
  const std::string written = text::lower(unit);
  for (const Misspelling& row : quantity.misspellings) {
    if (row.written == written) return row.meant;
  }
  return {};
}

// The number and what stands behind it, without the spaces between them.
struct Parts {
  std::string_view digits;
  std::string_view unit;
};

Parts split(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789");
  const std::string_view digits = text.substr(0, end);
  return {digits, end == std::string_view::npos ? std::string_view{} : text.substr(end)};
}

Error unknown_unit(const Quantity& quantity, std::string_view text, const Parts& parts) {
  if (parts.unit.empty())
    return bad(text::quoted(text) + " has no unit", std::string{text} + std::string{quantity.usual_unit});
  const std::string_view meant = meant_unit(quantity, text::trim(parts.unit));
  if (!meant.empty()) {
    return bad(text::quoted(text) + " is not " + std::string{quantity.wanted},
               std::string{parts.digits} + std::string{meant});
  }
  const bool fraction = parts.unit.front() == '.' || parts.unit.front() == ',';
  if (fraction) return bad(text::quoted(text) + " is not a whole number; use a smaller unit");
  return bad(text::quoted(text) + " is not " + std::string{quantity.wanted} + "; the units are " +
             std::string{quantity.units});
}

Result<std::uint64_t> parse_quantity(std::string_view text, const Quantity& quantity) {
  const Parts parts = split(text);
  if (parts.digits.empty()) return bad(text::quoted(text) + " is not " + std::string{quantity.wanted});
  const Unit* unit = nullptr;
  for (const Unit& row : quantity.table) {
    if (row.name == parts.unit) unit = &row;
  }
  if (unit == nullptr) return unknown_unit(quantity, text, parts);
  const std::optional<std::uint64_t> number = text::parse_unsigned(parts.digits);
  if (!number || *number > quantity.most / unit->factor) return bad(text::quoted(text) + " is too much");
  return *number * unit->factor;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  Result<std::uint64_t> nanoseconds = parse_quantity(text, kDuration);
  if (!nanoseconds) return std::move(nanoseconds).error();
  return Duration{static_cast<Duration::rep>(*nanoseconds)};
}

Result<Bytes> parse_size(std::string_view text) {
  return parse_quantity(text, kSize);
}

Result<std::uint64_t> parse_count(std::string_view text) {
  const std::optional<std::uint64_t> number = text::parse_unsigned(text);
  if (!number) return bad(text::quoted(text) + " is not a whole number");
  return *number;
}

Result<std::uint64_t> parse_percent(std::string_view text) {
  const bool marked = text.ends_with('%');
  const std::optional<std::uint64_t> number = text::parse_unsigned(marked ? text.substr(0, text.size() - 1) : text);
  if (number && marked) return *number;
  return bad(text::quoted(text) + " is not a percentage such as 20%", number ? std::string{text} + '%' : std::string{});
}

Result<WallTime> parse_utc(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  constexpr std::string_view kWanted = " is not a moment in UTC such as 2027-01-01T00:00:00Z";
  const auto fits = [&](std::string_view shape) {
    if (text.size() != shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 'd' ? !text::is_digit(text[i]) : text[i] != shape[i]) return false;
    }
    return true;
  };
  if (fits("dddd-dd-dd")) return bad(text::quoted(text) + std::string{kWanted}, std::string{text} + "T00:00:00Z");
  if (fits("dddd-dd-ddTdd:dd:dd")) return bad(text::quoted(text) + std::string{kWanted}, std::string{text} + 'Z');
  if (!fits(kShape)) return bad(text::quoted(text) + std::string{kWanted});

  const auto number = [&](std::size_t at, std::size_t length) {
    return static_cast<unsigned>(text::parse_unsigned(text.substr(at, length)).value_or(0));
  };
  using namespace std::chrono;
  const year_month_day day{year{static_cast<int>(number(0, 4))}, month{number(5, 2)}, std::chrono::day{number(8, 2)}};
  const unsigned hour = number(11, 2);
  const unsigned minute = number(14, 2);
  const unsigned second = number(17, 2);
  const bool possible = day.ok() && hour < 24 && minute < 60 && second < 60;
  if (!possible) return bad(text::quoted(text) + " is not a date and time that exists");
  if (day.year() < year{1970} || day.year() > year{2200})
    return bad(text::quoted(text) + " is not between 1970 and 2200");
  return WallTime{sys_days{day} + hours{hour} + minutes{minute} + seconds{second}};
}

}  // namespace intragate::config
