#include "config/problems.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace intragate::config {
namespace {

constexpr std::size_t kMostWarnings = 100;

}  // namespace

std::string Problem::text() const {
  std::string out = file;
  if (line > 0) out += ':' + std::to_string(line) + ':' + std::to_string(column);
  out += ": " + message;
  if (!suggestion.empty()) out += "; " + suggestion;
  return out;
}

Place place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  return {.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          .column = 1 + static_cast<int>(before.size() - line_start)};
}

void Problems::add(Place place, std::string message, std::string suggestion) {
  add({.file = file_,
       .line = place.line,
       .column = place.column,
       .message = std::move(message),
       .suggestion = std::move(suggestion)});
}

void Problems::add(Problem problem) {
  if (problems_.size() < kMost) {
    problems_.push_back(std::move(problem));
  } else if (problems_.size() == kMost) {
    problems_.push_back(
        {.file = file_, .message = "there are more problems; these are the first ones", .suggestion = {}});
  }
}

void Problems::warn(Place place, std::string message) {
  const Problem remark{
      .file = file_, .line = place.line, .column = place.column, .message = std::move(message), .suggestion = {}};
  if (warnings_.size() < kMostWarnings) warnings_.push_back(remark.text());
}

std::vector<Problem> Problems::take_problems() {
  const auto end = problems_.begin() + static_cast<std::ptrdiff_t>(std::min(problems_.size(), kMost));
  std::stable_sort(problems_.begin(), end, [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return std::move(problems_);
}

bool Problems::check_text(std::string_view text) {
  const std::optional<std::size_t> bad = text::first_illegal_byte(text);
  if (!bad) return true;
  const bool control = static_cast<unsigned char>(text[*bad]) < 0x80;
  add(place_of(text, *bad), control ? "a control character" : "a byte that is not UTF-8",
      "save the file as UTF-8 text");
  return false;
}

std::string colon_hint(std::string_view text) {
  return text.find("\uFF1A") == std::string_view::npos ? std::string{} : "write `: `, not the full-width `\uFF1A`";
}

std::string did_you_mean(std::string_view word) {
  return word.empty() ? std::string{} : "did you mean `" + std::string{word} + "`?";
}

}  // namespace intragate::config
