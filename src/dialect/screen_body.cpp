#include "dialect/screen_body.h"

#include <algorithm>

#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::dialect {
namespace {

bool looks_like_json(std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (body[first] == '{' || body[first] == '[');
}

// A string whose end is missing, without an escape that is cut.
std::string closed(std::string_view raw) {
  constexpr std::size_t kLongestEscape = 6;
  const std::size_t slash = raw.find_last_of('\\');
  if (slash != std::string_view::npos && raw.size() - slash < kLongestEscape) raw = raw.substr(0, slash);
  while (raw.ends_with('\\')) raw.remove_suffix(1);
  return std::string{raw} + '"';
}

}  // namespace

BodyScreen::BodyScreen(std::string_view body, const content::Rules& rules, content::Tally& tally,
                       content::Filter::Mode mode, Copies copies)
    : body_{body},
      rules_{rules},
      tally_{tally},
      scan_{body},
      mode_{mode},
      copies_{copies},
      json_{looks_like_json(body)} {}

// The next text; false: there is none.
bool BodyScreen::begin_text() {
  plain_.clear();
  out_.clear();
  read_ = 0;
  if (!json_) {
    if (begun_) return false;
    begun_ = true;
    text_ = {.where = {0, body_.size()}, .key = {}};
    plain_ = body_;
  } else {
    for (;;) {
      const std::optional<Text> text = scan_.next();
      if (!text) return false;
      text_ = *text;
      if (!text->copy) break;
      if (copies_ == Copies::removed) edits_.push_back({text->where, "null"});
    }
    const std::string_view raw = body_.substr(text_.where.offset, text_.where.length);
    json::append_text(plain_, text_.cut ? closed(raw) : raw);
  }
  filter_.emplace(rules_, tally_, mode_);
  return true;
}

void BodyScreen::end_text() {
  filter_.reset();
  if (out_ == plain_) return;
  if (json_) {
    std::string raw;
    json::append_string(raw, out_);
    out_ = std::move(raw);
  }
  edits_.push_back({text_.where, std::move(out_)});
}

bool BodyScreen::step() {
  for (std::size_t left = kStep; left > 0;) {
    if (tally_.refused) return true;
    if (!filter_ && !begin_text()) return true;
    const std::string_view piece = std::string_view{plain_}.substr(read_, left);
    if (!filter_->feed(piece, out_)) continue;
    read_ += piece.size();
    left -= std::min(left, piece.size() + 16);  // short ones cost something too
    if (read_ < plain_.size()) continue;
    // What is held of a text without its end may be the beginning of anything.
    if (text_.cut || filter_->finish(out_)) end_text();
  }
  return false;
}

std::optional<std::string> BodyScreen::changed() const {
  return edits_.empty() ? std::nullopt : std::optional{edited(body_, edits_)};
}

}  // namespace intragate::dialect
