// Texts made of patterns: Python's `%` and strftime.
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/print.h"
#include "jinja/text.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

struct Moment {
  explicit Moment(WallTime at)
      : day{std::chrono::floor<std::chrono::days>(at)},
        date{day},
        time{std::chrono::floor<std::chrono::microseconds>(at - day)},
        weekday{std::chrono::weekday{day}.c_encoding()} {}
  [[nodiscard]] int day_of_year() const {
    return static_cast<int>((day - std::chrono::sys_days{date.year() / std::chrono::January / 1}).count()) + 1;
  }
  [[nodiscard]] int month() const { return static_cast<int>(static_cast<unsigned>(date.month())); }

  std::chrono::sys_days day;
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::microseconds> time;
  unsigned weekday;
};

std::string digits(long number, int width, char fill = '0') {
  std::string out = std::to_string(number);
  if (out.size() < static_cast<std::size_t>(width)) out.insert(0, static_cast<std::size_t>(width) - out.size(), fill);
  return out;
}

std::string time_field(char letter, const Moment& at, std::string_view written);

std::string pattern(std::string_view format, const Moment& at) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    std::size_t letter = i + 1;
    const bool unpadded = format[letter] == '-' && letter + 1 < format.size();
    if (unpadded) ++letter;
    std::string field = time_field(format[letter], at, format.substr(i, letter + 1 - i));
    while (unpadded && field.size() > 1 && (field.front() == '0' || field.front() == ' ')) field.erase(0, 1);
    out += field;
    i = letter;
  }
  return out;
}

std::string time_field(char letter, const Moment& at, std::string_view written) {
  const long hour = at.time.hours().count();
  const long hour12 = hour % 12 == 0 ? 12 : hour % 12;
  const long year = static_cast<int>(at.date.year());
  const long day = static_cast<long>(static_cast<unsigned>(at.date.day()));
  switch (letter) {
    case 'Y': return std::to_string(year);
    case 'y': return digits(year % 100, 2);
    case 'C': return digits(year / 100, 2);
    case 'm': return digits(at.month(), 2);
    case 'd': return digits(day, 2);
    case 'e': return digits(day, 2, ' ');
    case 'j': return digits(at.day_of_year(), 3);
    case 'H': return digits(hour, 2);
    case 'I': return digits(hour12, 2);
    case 'M': return digits(at.time.minutes().count(), 2);
    case 'S': return digits(at.time.seconds().count(), 2);
    case 'f': return digits(at.time.subseconds().count(), 6);
    case 'p': return hour < 12 ? "AM" : "PM";
    case 'A': return std::string{kDays[at.weekday]};
    case 'a': return std::string{kDays[at.weekday].substr(0, 3)};
    case 'B': return std::string{kMonths[static_cast<std::size_t>(at.month()) - 1]};
    case 'b':
    case 'h': return std::string{kMonths[static_cast<std::size_t>(at.month()) - 1].substr(0, 3)};
    case 'w': return std::to_string(at.weekday);
    case 'u': return std::to_string(at.weekday == 0 ? 7 : at.weekday);
    case 'U': return digits((at.day_of_year() + 6 - static_cast<int>(at.weekday)) / 7, 2);
    case 'W': return digits((at.day_of_year() + 6 - static_cast<int>((at.weekday + 6) % 7)) / 7, 2);
    case 'F': return pattern("%Y-%m-%d", at);
    case 'T':
    case 'X': return pattern("%H:%M:%S", at);
    case 'R': return pattern("%H:%M", at);
    case 'D':
    case 'x': return pattern("%m/%d/%y", at);
    case 'c': return pattern("%a %b %e %H:%M:%S %Y", at);
    case 'Z':
    case 'z': return "";  // Python's datetime.now() has no zone
    case '%': return "%";
    case 'n': return "\n";
    case 't': return "\t";
    default: return std::string{written};
  }
}

// One `%…x` of Python's operator.
struct Conversion {
  std::string flags;
  std::size_t width = 0;
  int precision = -1;
  char letter = 's';
};

constexpr std::size_t kWidest = 10'000;

// Reads one behind its `%`; returns how many bytes it has, 0 when it is none.
std::size_t read_conversion(std::string_view text, Conversion& out) {
  std::size_t at = 0;
  while (at < text.size() && std::string_view{"-+ 0#"}.find(text[at]) != std::string_view::npos)
    out.flags += text[at++];
  const auto number = [&](std::size_t& value) {
    value = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      value = std::min(kWidest, value * 10 + static_cast<std::size_t>(text[at] - '0'));
    }
  };
  number(out.width);
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::size_t precision = 0;
    number(precision);
    out.precision = static_cast<int>(std::min<std::size_t>(precision, 100));
  }
  if (at == text.size() || std::string_view{"srdiufFeEgGxXoc%"}.find(text[at]) == std::string_view::npos) return 0;
  out.letter = text[at];
  return at + 1;
}

std::string number_in_base(std::int64_t number, char letter) {
  char buffer[72];
  const int base = letter == 'o' ? 8 : letter == 'x' || letter == 'X' ? 16 : 10;
  const std::string out{buffer, std::to_chars(buffer, buffer + sizeof buffer, number, base).ptr};
  return letter == 'X' ? upper(std::string_view{out}) : out;
}

std::string real_in_form(double number, const Conversion& how) {
  const std::chars_format form = how.letter == 'e' || how.letter == 'E'   ? std::chars_format::scientific
                                 : how.letter == 'g' || how.letter == 'G' ? std::chars_format::general
                                                                          : std::chars_format::fixed;
  char buffer[512];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, form, how.precision < 0 ? 6 : how.precision);
  return end.ec == std::errc{} ? std::string{buffer, end.ptr} : real_text(number);
}

std::string converted(const Conversion& how, const Value& value, Work& work) {
  std::string out;
  const bool is_text = how.letter == 's' || how.letter == 'r' || how.letter == 'c';
  if (is_text) {
    out = how.letter == 'r' ? text_of(std::vector<Value>{value}, work) : text_of(value, work);
    if (how.letter == 'r' && out.size() >= 2) out = out.substr(1, out.size() - 2);
    const std::vector<std::string_view> all = how.precision < 0 ? std::vector<std::string_view>{} : characters(out);
    if (how.precision >= 0 && all.size() > static_cast<std::size_t>(how.precision)) {
      out = out.substr(0, static_cast<std::size_t>(all[static_cast<std::size_t>(how.precision)].data() - out.data()));
    }
  } else if (!value.is_number()) {
    work.fail("`%" + std::string{how.letter} + "` needs a number, not '" + std::string{kind_name(value)} + "'");
  } else if (std::string_view{"diuxXo"}.find(how.letter) != std::string_view::npos) {
    const bool whole = !value.is(Kind::real);
    if (!whole && !(std::fabs(value.real()) < 9e18)) {
      work.fail("this number is out of range");
      return out;
    }
    out = number_in_base(whole ? value.integer() : static_cast<std::int64_t>(value.real()), how.letter);
  } else {
    out = real_in_form(value.real(), how);
  }
  const auto has = [&](char flag) { return how.flags.find(flag) != std::string::npos; };
  if (!is_text && has('+') && !out.starts_with('-')) out.insert(0, "+");
  const std::size_t size = count_characters(out);
  if (size >= how.width || !work.make(how.width)) return out;
  const std::size_t missing = how.width - size;
  if (has('-')) return out.append(missing, ' ');
  const bool zeros = has('0') && !is_text;
  const bool is_signed = zeros && (out.starts_with('-') || out.starts_with('+'));
  return out.insert(is_signed ? 1 : 0, missing, zeros ? '0' : ' ');
}

}  // namespace

std::string time_text(std::string_view format, WallTime at) {
  return pattern(format, Moment{at});
}

Value printf_text(std::string_view format, const Value& values, Work& work) {
  if (!work.make(format.size())) return {};
  const std::vector<Value> list = values.is(Kind::list) ? values.list() : std::vector<Value>{values};
  std::string out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < format.size() && !work.failed(); ++at) {
    if (format[at] != '%') {
      out += format[at];
      continue;
    }
    std::string_view rest = format.substr(at + 1);
    Value value;
    bool by_name = false;
    if (const std::size_t close = rest.find(')'); rest.starts_with('(') && close != std::string_view::npos) {
      by_name = true;
      value = item_at(values, rest.substr(1, close - 1), work);
      at += close + 1;
      rest.remove_prefix(close + 1);
    }
    Conversion how;
    const std::size_t size = read_conversion(rest, how);
    if (size == 0) return work.fail("a malformed `%` in a format");
    at += size;
    if (how.letter == '%') {
      out += '%';
      continue;
    }
    if (!by_name) {
      if (next == list.size()) return work.fail("more `%` in a format than values");
      value = list[next++];
    }
    out += converted(how, value, work);
  }
  return out;
}

}  // namespace intragate::jinja
