#include "dialect/json_shape.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json_scan.h"
#include "base/json_skip.h"
#include "base/json_word.h"

namespace intragate::dialect {
namespace {

constexpr std::size_t kLargest = 2048;  // bytes that are the same
constexpr std::size_t kMostParts = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t after_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// The end of the number at `at` (RFC 8259 section 6); `at` itself: there is none.
std::size_t after_number(std::string_view text, std::size_t at) {
  const std::size_t first = at + (at < text.size() && text[at] == '-' ? 1 : 0);
  std::size_t end = after_digits(text, first);
  if (end == first || (text[first] == '0' && end > first + 1)) return at;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = after_digits(text, end + 1);
    if (fraction == end + 1) return at;
    end = fraction;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    const bool sign = end + 1 < text.size() && (text[end + 1] == '+' || text[end + 1] == '-');
    const std::size_t digits = end + 1 + (sign ? 1 : 0);
    const std::size_t exponent = after_digits(text, digits);
    if (exponent == digits) return at;
    end = exponent;
  }
  return end;
}

// `from`: behind the opening quote. The offset behind the closing one; npos: there is none.
std::size_t after_string(std::string_view text, std::size_t from) {
  // Most are names: their end is found before a block would be loaded.
  for (int words = 0; words < 4 && text.size() - from > sizeof(json::Word); ++words) {
    const json::Word word = json::load_word(text.data() + from);
    const json::Word quote = json::mark_equal(word, '"');
    const json::Word backslash = json::mark_equal(word, '\\');
    if (backslash != 0) break;
    if (quote != 0) return from + json::bytes_before(quote) + 1;
    from += sizeof(json::Word);
  }
  static const json::Skipper& fastest = json::skippers().front();
  return fastest.string(text, from);
}

}  // namespace

// Takes the first one apart.
class JsonShape::Reader {
 public:
  Reader(std::string_view json, JsonShape& shape) : json_{json}, shape_{shape} {}

  // False: no shape can be made of it.
  bool read() {
    while (at_ < json_.size()) {
      const char c = json_[at_];
      if (c == '{' || c == '[') ++depth_;
      if (c == '}' || c == ']') --depth_;
      if (depth_ < 2) in_usage_ = in_usage_ && c != '}' && c != ',';
      const bool number = c == '-' || is_digit(c);
      const bool fine = c == '"' ? string() : number ? add_number() : (++at_, true);
      if (!fine || shape_.parts_.size() > kMostParts) return false;
    }
    shape_.fixed_.append(json_, begin_);
    return shape_.fixed_.size() <= kLargest;
  }

 private:
  bool string() {
    const std::size_t end = after_string(json_, at_ + 1);
    if (end == std::string_view::npos) return false;
    const std::string_view inside = json_.substr(at_ + 1, end - at_ - 2);
    const std::size_t next = json_.find_first_not_of(" \t\r\n", end);
    if (next != std::string_view::npos && json_[next] == ':') {
      key_ = inside;
      at_ = next + 1;
      if (depth_ == 1) in_usage_ = key_ == "usage";
      if (!counted_once()) return false;
      // An escaped name is one thing to one reader and another to the next; calls are looked into one by one.
      return key_.find('\\') == std::string_view::npos && (key_ != "tool_calls" || calls_nothing());
    }
    const bool same = inside.empty() || key_ == "object";
    if (!same) add(at_ + 1, Slot::text);
    at_ = end;
    if (!same) begin_ = end;
    return true;
  }

  // Of two members that count, readers take different ones.
  bool counted_once() {
    if (depth_ == 1) return !in_usage_ || !std::exchange(seen_[0], true);
    if (!in_usage_ || depth_ != 2) return true;
    if (key_ == "prompt_tokens") return !std::exchange(seen_[1], true);
    return key_ != "completion_tokens" || !std::exchange(seen_[2], true);
  }

  // The value of `tool_calls`.
  [[nodiscard]] bool calls_nothing() const {
    const std::string_view rest = json_.substr(std::min(json_.find_first_not_of(" \t\r\n", at_), json_.size()));
    return rest.starts_with("null") || rest.starts_with("[]");
  }

  bool add_number() {
    const std::size_t end = after_number(json_, at_);
    if (end == at_) return false;
    Slot slot = Slot::number;
    if (in_usage_ && depth_ == 2 && key_ == "prompt_tokens") slot = Slot::prompt_tokens;
    if (in_usage_ && depth_ == 2 && key_ == "completion_tokens") slot = Slot::completion_tokens;
    add(at_, slot);
    at_ = begin_ = end;
    return true;
  }

  void add(std::size_t end, Slot slot) {
    const std::size_t size = std::min(end - begin_, kLargest + 1);  // read() refuses more
    shape_.parts_.push_back({.fixed = static_cast<std::uint16_t>(size), .slot = slot});
    shape_.fixed_.append(json_, begin_, size);
  }

  std::string_view json_;
  JsonShape& shape_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  // of what is the same, up to the next slot
  std::string_view key_;
  int depth_ = 0;
  bool in_usage_ = false;  // of the top level
  std::array<bool, 3> seen_{};
};

std::optional<JsonShape> JsonShape::of(std::string_view json) {
  JsonShape shape;
  if (!json.starts_with('{') || !Reader{json, shape}.read()) return std::nullopt;
  const auto has = [&](Slot slot) {
    return std::any_of(shape.parts_.begin(), shape.parts_.end(), [&](const Part& p) { return p.slot == slot; });
  };
  shape.counts_ = has(Slot::prompt_tokens) && has(Slot::completion_tokens);
  if (!shape.fits(json)) return std::nullopt;  // a count that is none
  shape.fixed_.shrink_to_fit();
  shape.parts_.shrink_to_fit();
  return shape;
}

std::optional<JsonShape::Counts> JsonShape::fits(std::string_view json) const {
  Counts counts;
  std::string_view fixed{fixed_};
  std::size_t at = 0;
  for (const Part& part : parts_) {
    if (json.substr(at, part.fixed) != fixed.substr(0, part.fixed)) return std::nullopt;
    fixed.remove_prefix(part.fixed);
    at += part.fixed;
    const bool text = part.slot == Slot::text;
    const std::size_t end = text ? after_string(json, at) : after_number(json, at);
    if (end == std::string_view::npos || end <= at + (text ? 1 : 0)) return std::nullopt;
    if (part.slot == Slot::prompt_tokens || part.slot == Slot::completion_tokens) {
      const std::optional<std::uint64_t> count = json::unsigned_number(json.substr(at, end - at));
      if (!count) return std::nullopt;
      (part.slot == Slot::prompt_tokens ? counts.prompt_tokens : counts.completion_tokens) = *count;
    }
    at = end;
  }
  if (json.substr(at) != fixed) return std::nullopt;
  return counts;
}

}  // namespace intragate::dialect
