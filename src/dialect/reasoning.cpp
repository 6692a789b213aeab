#include "dialect/reasoning.h"

#include <algorithm>

namespace intragate::dialect {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kSpace = " \t\r\n";

// Bytes at the end of `text` that may be the beginning of `tag`.
std::size_t begun_tag(std::string_view text, std::string_view tag) {
  for (std::size_t size = std::min(text.size(), tag.size() - 1); size > 0; --size) {
    if (tag.starts_with(text.substr(text.size() - size))) return size;
  }
  return 0;
}

}  // namespace

void ReasoningFilter::apply(std::string& text, std::string& reasoning, Piece piece) {
  if (form_ == Reasoning::as_it_is) return;
  if (form_ == Reasoning::within) return put_within(text, reasoning, piece);
  take_apart(text, reasoning, piece);
  if (form_ == Reasoning::drop) reasoning.clear();
}

void ReasoningFilter::take_apart(std::string& text, std::string& reasoning, Piece piece) {
  if (!reasoning.empty() && where_ == Where::start && held_.empty()) where_ = Where::text;  // the model does it itself
  if (where_ == Where::text) return;
  held_ += text;
  text.clear();
  if (where_ == Where::start) {
    const std::size_t first = std::min(held_.find_first_not_of(kSpace), held_.size());
    const std::string_view begin = std::string_view{held_}.substr(first);
    if (begin.starts_with(kOpen)) {
      held_.erase(0, first + kOpen.size());
      where_ = Where::thought;
    } else if (piece == Piece::last || !kOpen.starts_with(begin)) {
      where_ = Where::text;
      text.swap(held_);
      return;
    }
  }
  if (where_ == Where::thought) {
    const std::size_t close = held_.find(kClose);
    const std::size_t kept = piece == Piece::last ? 0 : begun_tag(held_, kClose);
    reasoning.append(held_, 0, close == std::string::npos ? held_.size() - kept : close);
    held_.erase(0, close == std::string::npos ? held_.size() - kept : close + kClose.size());
    if (close != std::string::npos) where_ = Where::after;
  }
  if (where_ != Where::after) return;
  held_.erase(0, std::min(held_.find_first_not_of(kSpace), held_.size()));  // the blank lines behind the thoughts
  if (held_.empty()) return;
  where_ = Where::text;
  text.swap(held_);
}

void ReasoningFilter::put_within(std::string& text, std::string& reasoning, Piece piece) {
  std::string said;
  if (!reasoning.empty()) {
    if (!open_) said = std::string{kOpen} + '\n';
    said += reasoning;
    open_ = true;
    reasoning.clear();
  }
  if (open_ && (!text.empty() || piece == Piece::last)) {
    said += '\n' + std::string{kClose} + "\n\n";
    open_ = false;
  }
  text.insert(0, said);
}

}  // namespace intragate::dialect
