#include "content/pattern.h"

#include <re2/re2.h>

#include <algorithm>

#include "content/prefix_pattern.h"

namespace intragate::content {
namespace {

constexpr std::size_t kWindow = 2 * kLongestMatch;
constexpr int kMostMemory = 4 << 20;  // of one expression: its program and what the search remembers

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_longest_match(true);
  options.set_log_errors(false);
  options.set_max_mem(kMostMemory);
  return options;
}

Error bad(std::string why) {
  return make_error(Code::invalid_configuration, std::move(why));
}

struct Stretch {
  std::size_t from;
  std::size_t to;
};

// Of a match within the stretch; the text around it is looked at for \b, ^ and $ only.
std::optional<Pattern::Match> match(const re2::RE2& expression, std::string_view text, Stretch in) {
  re2::StringPiece found;
  const re2::StringPiece all{text.data(), text.size()};
  if (!expression.Match(all, in.from, in.to, re2::RE2::UNANCHORED, &found, 1)) return std::nullopt;
  const auto begin = static_cast<std::size_t>(found.data() - text.data());
  return Pattern::Match{begin, begin + found.size()};
}

// Whether it matches no character somewhere: anywhere, at the beginning or end of texts, lines and words, or inside.
bool matches_nothing(const re2::RE2& expression) {
  for (const re2::StringPiece text : {"", "aa\n\n a", " "}) {
    for (std::size_t at = 0; at <= text.size(); ++at) {
      if (expression.Match(text, at, at, re2::RE2::ANCHOR_BOTH, nullptr, 0)) return true;
    }
  }
  return false;
}

}  // namespace

Pattern::Pattern(std::unique_ptr<const re2::RE2> whole, std::unique_ptr<const re2::RE2> prefix)
    : whole_{std::move(whole)}, prefix_{std::move(prefix)} {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::make(std::string_view expression) {
  if (expression.empty()) return bad("an empty expression would be found everywhere");
  if (expression.size() > kLongestPattern) {
    return bad("an expression has at most " + std::to_string(kLongestPattern) + " bytes");
  }
  const re2::StringPiece text{expression.data(), expression.size()};
  auto whole = std::make_unique<const re2::RE2>(text, options());
  if (!whole->ok()) return bad(whole->error());
  if (matches_nothing(*whole)) return bad("it matches the empty text, which is everywhere");
  const Result<std::string> begun = prefix_pattern(expression);
  if (!begun) return bad(begun.error().message);
  auto prefix = std::make_unique<const re2::RE2>(*begun, options());
  if (!prefix->ok()) return bad("the expression is too large");
  return Pattern{std::move(whole), std::move(prefix)};
}

std::optional<Pattern::Match> Pattern::find(std::string_view text, std::size_t from) const {
  // RE2 would look through all that follows for the longest match, again for each. So it sees a window; a match in its
  // last part is left to the next one, because another may begin before it that does not end here.
  for (;;) {
    const std::size_t to = std::min(text.size(), from + kWindow);
    const bool last = to == text.size();
    std::optional<Match> found = match(*whole_, text, {from, to});
    if (found && found->end == found->begin) return std::nullopt;  // whoever goes on behind it would not get on
    if (last || (found && found->begin < to - kLongestMatch)) return found;
    from = to - kLongestMatch;
  }
}

std::size_t Pattern::begun(std::string_view text, std::size_t from) const {
  const std::optional<Match> found = match(*prefix_, text, {from, text.size()});
  return found ? found->begin : text.size();
}

}  // namespace intragate::content
