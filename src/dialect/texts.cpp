#include "dialect/texts.h"

#include <algorithm>
#include <array>

#include "base/json_scan.h"
#include "base/json_skip.h"
#include "base/text.h"

namespace intragate::dialect {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

template <std::size_t N>
bool is_one_of(std::string_view key, const std::array<std::string_view, N>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// By which the gateway, the client and the model know things: to mask in them would break what refers to them.
constexpr std::array<std::string_view, 5> kIds{"id", "tool_call_id", "object", "type", "role"};
// The same, of the body itself.
constexpr std::array<std::string_view, 5> kTopIds{"model", "user", "safety_identifier", "prompt_cache_key",
                                                  "system_fingerprint"};
// What holds the text in other words.
constexpr std::array<std::string_view, 4> kCopies{"logprobs", "prompt_logprobs", "token_ids", "prompt_token_ids"};

}  // namespace

std::optional<Text> TextScan::next() {
  while (at_ < json_.size()) {
    const char c = json_[at_];
    if (c == '"') {
      const std::optional<Text> text = string();
      if (text) return text;
      continue;
    }
    const bool opens = c == '{' || c == '[';
    if (opens && at_ == value_at_ && is_one_of(key_, kCopies)) {
      const std::size_t from = at_;
      const std::size_t end = json::skippers().front().container(json_, at_);
      at_ = std::min(end, json_.size());
      return Text{{from, at_ - from}, key_, index_, false, true};
    }
    if (opens) ++depth_;
    if (c == '}' || c == ']') --depth_;
    if (text::is_digit(c)) {
      number();
    } else {
      ++at_;
    }
  }
  return std::nullopt;
}

// A string that nobody closes reaches to the end of the body.
std::optional<Text> TextScan::string() {
  const std::size_t from = at_;
  const std::size_t end = json::skippers().front().string(json_, at_ + 1);
  at_ = std::min(end, json_.size());
  const std::size_t after = json_.find_first_not_of(kSpace, at_);
  if (after != std::string_view::npos && json_[after] == ':') {
    key_ = json_.substr(from + 1, at_ - from - 2);
    at_ = value_at_ = std::min(json_.find_first_not_of(kSpace, after + 1), json_.size());
    return std::nullopt;
  }
  const Text text{{from, at_ - from}, key_, index_, end == std::string_view::npos, false};
  if (text.where.length <= 2) return std::nullopt;
  if (is_one_of(key_, kIds) || (depth_ == 1 && is_one_of(key_, kTopIds))) return std::nullopt;
  if (is_media(json_.substr(from, at_ - from))) return std::nullopt;
  return text;
}

void TextScan::number() {
  const std::size_t end = std::min(json_.find_first_not_of("0123456789", at_), json_.size());
  const std::optional<std::uint64_t> value = text::parse_unsigned(json_.substr(at_, end - at_));
  if (key_ == "index" && value && *value < 1'000'000) index_ = static_cast<std::int64_t>(*value);
  at_ = end;
}

bool is_media(std::string_view raw) {
  constexpr std::size_t kLongestWord = 1024;
  constexpr std::string_view kUrl = "\"data:";
  constexpr std::string_view kMark = ";base64,";
  if (raw.size() < 2) return false;
  std::size_t from = 1;
  if (raw.starts_with(kUrl)) {
    const std::size_t mark = raw.substr(0, 128).find(kMark);
    if (mark == std::string_view::npos) return false;
    from = mark + kMark.size();
  } else if (raw.size() < kLongestWord) {
    return false;
  }
  return std::all_of(raw.begin() + static_cast<std::ptrdiff_t>(from), raw.end() - 1, [](char c) {
    return text::is_letter(c) || text::is_digit(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_' ||
           c == '\\';  // "\/" is how some write a slash
  });
}

bool is_tokens(const llm::Call& call, std::string_view body) {
  if (!call.prompt || (call.api != llm::Api::completions && call.api != llm::Api::embeddings)) return false;
  const std::string_view prompt = body.substr(call.prompt->offset, call.prompt->length);
  if (!prompt.starts_with('[')) return false;
  json::ArrayScan scan{prompt};
  while (const std::optional<json::Member> one = scan.next()) {
    if (one->kind == json::Kind::number || one->kind == json::Kind::array) return true;
  }
  return false;
}

std::string edited(std::string_view body, const std::vector<llm::Edit>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const llm::Edit& edit : edits) {
    out += body.substr(at, edit.where.offset - at);
    out += edit.text;
    at = edit.where.offset + edit.where.length;
  }
  out += body.substr(at);
  return out;
}

}  // namespace intragate::dialect
