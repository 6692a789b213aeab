#include "content/personal_data.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/text.h"

namespace intragate::content {
namespace {

using text::is_digit;
using text::is_letter;

constexpr std::size_t kMostDigits = 19;  // of a bank card
constexpr std::size_t kMostGroups = 5;
const Kinds kNumbers{0b111};  // the first three kinds

bool has(Kinds kinds, Kind kind) {
  return kinds[static_cast<std::size_t>(kind)];
}

// Digits, possibly in groups between single spaces or hyphens.
struct Digits {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string value;                            // the digits alone
  std::array<std::size_t, kMostGroups> size{};  // of each group
  std::size_t groups = 0;
  bool together() const { return groups == 1; }
};

// The digits that begin at `at`, in as many groups as there are, up to `most`.
Digits digits_at(std::string_view run, std::size_t at, std::size_t most) {
  Digits found{.begin = at, .end = at, .value = {}, .size = {}, .groups = 0};
  while (found.groups < most) {
    const std::size_t first = at;
    while (at < run.size() && is_digit(run[at])) ++at;
    found.value.append(run.substr(first, at - first));
    found.size[found.groups++] = at - first;
    found.end = at;
    const bool goes_on = at + 1 < run.size() && (run[at] == ' ' || run[at] == '-') && is_digit(run[at + 1]);
    if (!goes_on) break;
    ++at;
  }
  return found;
}

bool is_mobile(const Digits& d) {
  const std::string_view value{d.value};
  const std::size_t country = value.size() == 13 && value.starts_with("86") ? 2 : 0;
  if (value.size() - country != 11 || value[country] != '1' || value[country + 1] < '3') return false;
  if (d.together()) return true;
  std::array<std::size_t, kMostGroups> size = d.size;
  std::size_t groups = d.groups;
  if (country > 0 && size[0] == 2) {
    std::shift_left(size.begin(), size.end(), 1);
    --groups;
  } else if (country > 0) {
    size[0] -= 2;
  }
  return groups == 1 || (groups == 3 && size[0] == 3 && size[1] == 4 && size[2] == 4);
}

bool luhn(std::string_view digits) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    auto digit = static_cast<unsigned>(digits[digits.size() - 1 - i] - '0');
    if (i % 2 == 1) digit = digit < 5 ? digit * 2 : digit * 2 - 9;
    sum += digit;
  }
  return sum % 10 == 0;
}

// Groups as cards carry them: fours, the last one shorter or not; American
// Express 4-6-5.
bool is_card_grouping(const Digits& d) {
  if (d.together()) return true;
  if (d.groups == 3 && d.size[0] == 4 && d.size[1] == 6 && d.size[2] == 5) return true;
  for (std::size_t i = 0; i + 1 < d.groups; ++i) {
    if (d.size[i] != 4) return d.groups == 2 && d.size[0] == 6;  // 6-13, on some UnionPay cards
  }
  return d.size[d.groups - 1] <= 4;
}

bool is_bank_card(const Digits& d) {
  if (d.value.size() < 13 || d.value.size() > kMostDigits) return false;
  return d.value[0] >= '2' && d.value[0] <= '6' && is_card_grouping(d) && luhn(d.value);
}

std::size_t days_of(unsigned year, unsigned month) {
  constexpr std::array<std::size_t, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

unsigned number(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

// `text` has 18 characters, the first 17 digits.
bool is_id_card(std::string_view text) {
  constexpr std::array<unsigned, 17> kWeights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  constexpr std::string_view kChecks = "10X98765432";
  if (text[0] < '1' || text[0] > '8') return false;
  const unsigned year = number(text.substr(6, 4));
  const unsigned month = number(text.substr(10, 2));
  const unsigned day = number(text.substr(12, 2));
  if (year < 1850 || year > 2100 || month < 1 || month > 12 || day < 1 || day > days_of(year, month)) return false;
  unsigned sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) sum += kWeights[i] * static_cast<unsigned>(text[i] - '0');
  const char check = text[17] == 'x' ? 'X' : text[17];
  return kChecks[sum % 11] == check;
}

bool is_word_end(std::string_view run, std::size_t at) {
  return at == run.size() || !(is_digit(run[at]) || is_letter(run[at]));
}

std::optional<Finding> number_of(std::string_view run, const Digits& d, Kinds kinds) {
  const bool x = d.together() && d.value.size() == 17 && d.end < run.size() &&
                 (run[d.end] == 'X' || run[d.end] == 'x') && is_word_end(run, d.end + 1);
  if (has(kinds, Kind::id_card) && d.together() && (d.value.size() == 18 || x) && is_id_card(run.substr(d.begin, 18))) {
    return Finding{d.begin, d.begin + 18, Kind::id_card};
  }
  const std::size_t plus = d.begin > 0 && run[d.begin - 1] == '+' ? 1 : 0;
  if (has(kinds, Kind::mobile_number) && is_mobile(d)) return Finding{d.begin - plus, d.end, Kind::mobile_number};
  if (has(kinds, Kind::bank_card) && is_bank_card(d)) return Finding{d.begin, d.end, Kind::bank_card};
  return std::nullopt;
}

// The longest number that begins with the digits at `at`: in several groups, or
// in one.
std::optional<Finding> number_at(std::string_view run, std::size_t at, Kinds kinds) {
  for (std::size_t groups = digits_at(run, at, kMostGroups).groups; groups > 0; --groups) {
    if (const std::optional<Finding> found = number_of(run, digits_at(run, at, groups), kinds)) return found;
  }
  return std::nullopt;
}

void find_numbers(std::string_view run, Kinds kinds, std::vector<Finding>& found) {
  for (std::size_t at = 0; at < run.size();) {
    if (!is_digit(run[at])) {
      ++at;
      continue;
    }
    if (const std::optional<Finding> one = number_at(run, at, kinds)) {
      found.push_back(*one);
      at = one->end;
      continue;
    }
    while (at < run.size() && is_digit(run[at])) ++at;
  }
}

bool is_local_character(char c) {
  return is_letter(c) || is_digit(c) || std::string_view{"._%+-"}.find(c) != std::string_view::npos;
}

// How much of `text` is a domain: labels and dots, the last label of at least
// two letters. 0: none.
std::size_t domain_length(std::string_view text) {
  std::size_t good = 0;
  std::size_t label = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const bool inside = at < text.size() && (is_letter(text[at]) || is_digit(text[at]) || text[at] == '-');
    if (inside) continue;
    const std::string_view last = text.substr(label, at - label);
    if (last.empty() || last.front() == '-' || last.back() == '-') break;
    const bool letters = last.size() >= 2 && std::all_of(last.begin(), last.end(), is_letter);
    if (label > 0 && letters) good = at;
    if (at == text.size() || text[at] != '.') break;
    label = at + 1;
  }
  return good;
}

void find_emails(std::string_view run, std::vector<Finding>& found) {
  for (std::size_t at = run.find('@'); at != std::string_view::npos; at = run.find('@', at + 1)) {
    std::size_t begin = at;
    while (begin > 0 && at - begin < 64 && is_local_character(run[begin - 1])) --begin;
    while (begin < at && run[begin] == '.') ++begin;
    const std::size_t domain = domain_length(run.substr(at + 1));
    if (begin < at && domain > 0) found.push_back({begin, at + 1 + domain, Kind::email});
  }
}

void find_addresses(std::string_view run, std::vector<Finding>& found) {
  const auto belongs = [](char c) { return text::hex_value(c) >= 0 || c == ':' || c == '.'; };
  for (std::size_t at = 0; at < run.size();) {
    if (!belongs(run[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < run.size() && belongs(run[end])) ++end;
    std::string_view word = run.substr(at, end - at);
    const bool six = std::count(word.begin(), word.end(), ':') >= 2;
    while (!word.empty() && (word.back() == '.' || (word.back() == ':' && !word.ends_with("::"))))
      word.remove_suffix(1);
    if (!six) word = word.substr(0, word.find(':'));  // a port
    const bool alone = (at == 0 || !(is_letter(run[at - 1]) || is_digit(run[at - 1]))) &&
                       (at + word.size() == run.size() || !(is_letter(run[at + word.size()])));
    if (alone && word.size() > 2 && (six || std::count(word.begin(), word.end(), '.') == 3) && IpAddress::parse(word)) {
      found.push_back({at, at + word.size(), Kind::ip_address});
    }
    at = end;
  }
}

struct KeyForm {
  std::string_view start;
  std::size_t least;  // characters behind it
};
constexpr std::array<KeyForm, 14> kKeyForms{{{"sk-", 20},
                                             {"AKIA", 16},
                                             {"ASIA", 16},
                                             {"ghp_", 36},
                                             {"gho_", 36},
                                             {"ghs_", 36},
                                             {"github_pat_", 40},
                                             {"glpat-", 20},
                                             {"xoxb-", 20},
                                             {"xoxp-", 20},
                                             {"AIza", 35},
                                             {"hf_", 30},
                                             {"LTAI", 12},
                                             {"eyJ", 60}}};

bool is_key_character(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
}

void find_keys(std::string_view run, std::vector<Finding>& found) {
  for (std::size_t at = 0; at < run.size(); ++at) {
    if (at > 0 && (is_letter(run[at - 1]) || is_digit(run[at - 1]))) continue;
    for (const KeyForm& form : kKeyForms) {
      if (!run.substr(at).starts_with(form.start)) continue;
      std::size_t end = at + form.start.size();
      while (end < run.size() && is_key_character(run[end])) ++end;
      while (run[end - 1] == '.') --end;
      if (end - at < form.start.size() + form.least) continue;
      found.push_back({at, end, Kind::api_key});
      at = end - 1;
      break;
    }
  }
}

// Of two that overlap the longer one stays.
void keep_apart(std::vector<Finding>& found, std::size_t first) {
  const auto begin = found.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, found.end(),
            [](const Finding& a, const Finding& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
  std::size_t kept = first;
  for (std::size_t i = first + 1; i < found.size(); ++i) {
    if (found[i].begin >= found[kept].end) {
      found[++kept] = found[i];
    } else if (found[i].end - found[i].begin > found[kept].end - found[kept].begin) {
      found[kept] = found[i];
    }
  }
  found.resize(kept + 1);
}

void find_in_run(std::string_view run, Kinds kinds, std::uint64_t offset, std::vector<Finding>& found) {
  const std::size_t first = found.size();
  find_numbers(run, kinds, found);
  if (has(kinds, Kind::email)) find_emails(run, found);
  if (has(kinds, Kind::ip_address)) find_addresses(run, found);
  if (has(kinds, Kind::api_key)) find_keys(run, found);
  if (found.size() - first > 1) keep_apart(found, first);
  for (std::size_t i = first; i < found.size(); ++i) {
    found[i].begin += offset;
    found[i].end += offset;
  }
}

// Of a number, or the check character X behind one.
bool is_number_character(std::string_view text, std::size_t at) {
  const char c = text[at];
  const bool x = (c == 'X' || c == 'x') && at > 0 && is_digit(text[at - 1]);
  return is_digit(c) || c == '+' || c == '-' || x;
}

}  // namespace

bool is_run_character(char c) {
  return is_letter(c) || is_digit(c) || std::string_view{"._%+@:-"}.find(c) != std::string_view::npos;
}

std::size_t last_run(std::string_view text, Kinds kinds) {
  const bool numbers = (kinds & ~kNumbers).none();
  std::size_t at = text.size();
  if (at >= 2 && text[at - 1] == ' ' && is_digit(text[at - 2])) --at;
  while (at > 0) {
    const bool between =
        text[at - 1] == ' ' && at >= 2 && is_digit(text[at - 2]) && at < text.size() && is_digit(text[at]);
    if (!(numbers ? is_number_character(text, at - 1) : is_run_character(text[at - 1])) && !between) break;
    --at;
  }
  return at;
}

void find_personal_data(std::string_view text, Kinds kinds, std::uint64_t offset, std::vector<Finding>& found) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size()) {
      const bool between =
          text[end] == ' ' && end > at && is_digit(text[end - 1]) && end + 1 < text.size() && is_digit(text[end + 1]);
      if (!is_run_character(text[end]) && !between) break;
      ++end;
    }
    // Each longest stretch on its own: no run is cut but by its own length.
    if (end > at) find_in_run(text.substr(at, end - at), kinds, offset + at, found);
    at = end + 1;
  }
}

}  // namespace intragate::content
