// Content rules: however a text is cut into pieces, all of it comes out, the findings are in order, inside of the text
// and the same as in one piece, and little is held back. Input: the first byte chooses the cuts and the kinds, the
// first line is a word and an expression to look for, the rest is the text.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "content/scanner.h"
#include "fuzz/require.h"

namespace {

using namespace intragate::content;

struct Seen {
  std::string text;
  std::vector<Finding> found;
};

void take(Seen& seen, const Scanner::Cleared& cleared) {
  fuzz::require(cleared.offset == seen.text.size(), "nothing is left out");
  seen.text += cleared.text;
  for (const Finding& one : cleared.found) {
    fuzz::require(one.begin < one.end && one.end <= seen.text.size() && one.begin >= cleared.offset,
                  "inside of the text");
    seen.found.push_back(one);
  }
}

Seen scan(const Rules& rules, std::string_view text, std::size_t piece) {
  Scanner scanner{rules};
  Seen seen;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    take(seen, scanner.feed(text.substr(at, piece)));
    fuzz::require(scanner.held() <= kMostHeld, "little is held back");
  }
  take(seen, scanner.finish());
  fuzz::require(seen.text == text, "all of it comes out");
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::size_t piece = data[0] % 32U + 1;
  text.remove_prefix(1);
  const std::size_t line = text.find('\n');  // the first line is a word and an expression to look for
  Rule rule;
  rule.name = "fuzz";
  rule.kinds = data[0] >= 128 ? Kinds{0b111} : Kinds{}.set();
  std::vector<std::string> list{"secret", "机密", "cre"};
  if (line != std::string_view::npos && line > 0) {
    list.emplace_back(text.substr(0, line));
    intragate::Result<Pattern> pattern = Pattern::make(text.substr(0, line));
    if (pattern) rule.patterns.push_back(*std::move(pattern));
  }
  intragate::Result<WordList> words = WordList::make(std::move(list));
  if (!words) return 0;
  rule.words = *std::move(words);
  Rule other;  // whose words overlap those of the first
  other.name = "other";
  other.words = *WordList::make({"tsec", "件机", "rets", "recre", "1 "});
  const Rules rules{&rule, &other};
  const Seen cut = scan(rules, text, piece);
  if (text.size() > kLongestRun) return 0;
  fuzz::require(cut.found == scan(rules, text, text.size()).found, "however it is cut");
  return 0;
}
