#include "tokenizer/bpe.h"

#include <algorithm>
#include <queue>

#include "jinja/text.h"

namespace intragate::tokenizer {
namespace {

constexpr std::uint32_t kUnknown = UINT32_MAX;
constexpr std::size_t kShort = 48;  // symbols; up to here a look at all pairs is quicker than a queue

}  // namespace

std::string byte_fallback_token(unsigned byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4U], kDigits[byte & 15U], '>'};
}

std::string byte_character(unsigned byte) {
  const auto shown = [](unsigned b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b != 0xAD); };
  std::uint32_t point = byte;
  if (!shown(byte)) {
    point = 0x100;
    for (unsigned other = 0; other < byte; ++other) point += shown(other) ? 0 : 1;
  }
  std::string out;
  jinja::append_utf8(out, point);
  return out;
}

void Bpe::add_token(std::string_view text, std::uint32_t id) {
  tokens_.emplace(std::string{text}, id);
}

bool Bpe::add_merge(std::string_view left, std::string_view right) {
  const auto a = tokens_.find(left);
  const auto b = tokens_.find(right);
  const auto joined = tokens_.find(std::string{left} + std::string{right});
  if (a == tokens_.end() || b == tokens_.end() || joined == tokens_.end()) return false;
  const std::uint64_t pair = (std::uint64_t{a->second} << 32U) | b->second;
  merges_.emplace(pair, Merge{.rank = static_cast<std::uint32_t>(merges_.size()), .joined = joined->second});
  return true;
}

void Bpe::finish() {
  byte_ids_.assign(256, kUnknown);
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text = options_.symbols == Symbols::bytes ? byte_character(byte) : byte_fallback_token(byte);
    const auto found = tokens_.find(text);
    if (found != tokens_.end()) byte_ids_[byte] = found->second;
  }
}

const Bpe::Merge* Bpe::merge_of(std::uint32_t left, std::uint32_t right) const {
  const auto found = merges_.find((std::uint64_t{left} << 32U) | right);
  return found == merges_.end() ? nullptr : &found->second;
}

void Bpe::begin_with_bytes(std::string_view word, std::vector<Symbol>& out) const {
  for (const char c : word) {
    const std::uint32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id != kUnknown) out.push_back({.id = id});
  }
}

void Bpe::begin_with_characters(std::string_view word, std::vector<Symbol>& out) const {
  while (!word.empty()) {
    const std::string_view character = word.substr(0, jinja::first_character(word).size);
    word.remove_prefix(character.size());
    const auto known = tokens_.find(character);
    if (known != tokens_.end()) {
      out.push_back({.id = known->second});
      continue;
    }
    const bool by_bytes = options_.byte_fallback && std::all_of(character.begin(), character.end(), [this](char c) {
                            return byte_ids_[static_cast<unsigned char>(c)] != kUnknown;
                          });
    if (by_bytes) {
      for (const char c : character) out.push_back({.id = byte_ids_[static_cast<unsigned char>(c)]});
    } else if (!options_.fuse_unknown || out.empty() || out.back().id != kUnknown) {
      out.push_back({.id = kUnknown});
    }
  }
}

std::size_t Bpe::join_short(std::vector<Symbol>& symbols) const {
  while (symbols.size() > 1) {
    const Merge* best = nullptr;
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge* const merge = merge_of(symbols[i].id, symbols[i + 1].id);
      if (merge == nullptr || (best != nullptr && best->rank <= merge->rank)) continue;
      best = merge;
      place = i;
    }
    if (best == nullptr) break;
    symbols[place].id = best->joined;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  return symbols.size();
}

std::size_t Bpe::join_long(std::vector<Symbol>& symbols) const {
  struct Candidate {
    std::uint32_t rank;
    std::int32_t left;
    std::uint32_t left_id;  // as they were: a candidate whose symbols have
                            // changed is stale
    std::uint32_t right_id;
    std::uint32_t joined;
    bool operator<(const Candidate& other) const { return rank != other.rank ? rank > other.rank : left > other.left; }
  };
  std::priority_queue<Candidate> queue;
  const auto consider = [&](std::int32_t left) {
    if (left < 0 || symbols[static_cast<std::size_t>(left)].after < 0) return;
    const Symbol& a = symbols[static_cast<std::size_t>(left)];
    const Symbol& b = symbols[static_cast<std::size_t>(a.after)];
    if (const Merge* const merge = merge_of(a.id, b.id); merge != nullptr) {
      queue.push({.rank = merge->rank, .left = left, .left_id = a.id, .right_id = b.id, .joined = merge->joined});
    }
  };
  const auto size = static_cast<std::int32_t>(symbols.size());
  for (std::int32_t i = 0; i < size; ++i) {
    symbols[static_cast<std::size_t>(i)].before = i - 1;
    symbols[static_cast<std::size_t>(i)].after = i + 1 < size ? i + 1 : -1;
  }
  for (std::int32_t i = 0; i < size; ++i) consider(i);
  std::vector<bool> gone(symbols.size());
  std::size_t left_over = symbols.size();
  while (!queue.empty()) {
    const Candidate next = queue.top();
    queue.pop();
    const auto place = static_cast<std::size_t>(next.left);
    Symbol& a = symbols[place];
    if (gone[place] || a.id != next.left_id || a.after < 0) continue;
    const Symbol b = symbols[static_cast<std::size_t>(a.after)];
    if (b.id != next.right_id) continue;
    gone[static_cast<std::size_t>(a.after)] = true;
    a.id = next.joined;
    a.after = b.after;
    if (b.after >= 0) symbols[static_cast<std::size_t>(b.after)].before = next.left;
    --left_over;
    consider(a.before);
    consider(next.left);
  }
  return left_over;
}

std::size_t Bpe::count(std::string_view word) const {
  if (word.empty()) return 0;
  if (options_.whole_words) {
    std::string shown;
    for (const char c : word) {
      shown += options_.symbols == Symbols::bytes ? byte_character(static_cast<unsigned char>(c)) : std::string{c};
    }
    if (tokens_.contains(shown)) return 1;
  }
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  if (options_.symbols == Symbols::bytes) {
    begin_with_bytes(word, symbols);
  } else {
    begin_with_characters(word, symbols);
  }
  return symbols.size() <= kShort ? join_short(symbols) : join_long(symbols);
}

}  // namespace intragate::tokenizer
