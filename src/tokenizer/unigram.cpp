#include "tokenizer/unigram.h"

#include <algorithm>

#include "jinja/text.h"
#include "tokenizer/bpe.h"

namespace intragate::tokenizer {
namespace {

constexpr double kPenalty = 10;  // of an unknown character, below the least likely token

}  // namespace

Unigram::Unigram(std::vector<std::pair<std::string, double>> tokens, bool byte_fallback)
    : byte_fallback_{byte_fallback} {
  double least = tokens.empty() ? 0 : tokens.front().second;
  for (const auto& [text, score] : tokens) least = std::min(least, score);
  unknown_score_ = least - kPenalty;
  std::stable_sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  tokens.erase(
      std::unique(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
      tokens.end());
  std::erase_if(tokens, [](const auto& token) { return token.first.empty(); });
  build(tokens);
  for (unsigned byte = 0; byte < 256; ++byte) has_byte_[byte] = is_token(byte_fallback_token(byte));
}

void Unigram::build(const std::vector<std::pair<std::string, double>>& sorted) {
  struct Stretch {  // of `sorted`: what begins with a node's bytes
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t depth = 0;
  };
  std::vector<Stretch> stretches{{0, sorted.size(), 0}};
  nodes_.emplace_back();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Stretch of = stretches[i];
    std::size_t at = of.begin;
    if (at < of.end && sorted[at].first.size() == of.depth) {
      nodes_[i].token = static_cast<std::uint32_t>(scores_.size());
      scores_.push_back(sorted[at++].second);
    }
    nodes_[i].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (at < of.end) {
      const char byte = sorted[at].first[of.depth];
      const std::size_t begin = at;
      while (at < of.end && sorted[at].first[of.depth] == byte) ++at;
      stretches.push_back({begin, at, of.depth + 1});
      nodes_.push_back({.byte = static_cast<unsigned char>(byte)});
      ++nodes_[i].children;
    }
  }
  nodes_.shrink_to_fit();
}

const Unigram::Node* Unigram::child(const Node& of, unsigned char byte) const {
  const auto begin = nodes_.begin() + of.first_child;
  const auto end = begin + of.children;
  const auto found =
      std::lower_bound(begin, end, byte, [](const Node& node, unsigned char b) { return node.byte < b; });
  return found == end || found->byte != byte ? nullptr : &*found;
}

bool Unigram::is_token(std::string_view text) const {
  const Node* node = nodes_.data();
  for (const char c : text) {
    node = child(*node, static_cast<unsigned char>(c));
    if (node == nullptr) return false;
  }
  return node->token != UINT32_MAX;
}

std::vector<Unigram::Way> Unigram::ways(std::string_view word) const {
  std::vector<Way> best(word.size() + 1);
  const auto offer = [&](std::size_t begin, std::size_t end, double score, bool unknown) {
    const double sum = best[begin].score + score;
    if (best[end].begin != UINT32_MAX && sum <= best[end].score) return;
    best[end] = {.score = sum, .begin = static_cast<std::uint32_t>(begin), .unknown = unknown};
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t character = jinja::first_character(word.substr(at)).size;
    bool alone = false;  // the character is a token of its own
    const Node* node = nodes_.data();
    for (std::size_t end = at; end < word.size();) {
      node = child(*node, static_cast<unsigned char>(word[end]));
      if (node == nullptr) break;
      ++end;
      if (node->token == UINT32_MAX) continue;
      offer(at, end, scores_[node->token], false);
      alone = alone || end - at == character;
    }
    if (!alone) offer(at, at + character, unknown_score_, true);
    at += character;
  }
  return best;
}

std::size_t Unigram::count_unknown(std::string_view text) const {
  if (text.empty()) return 0;
  const bool bytes = byte_fallback_ && std::all_of(text.begin(), text.end(),
                                                   [this](char c) { return has_byte_[static_cast<unsigned char>(c)]; });
  return bytes && !is_token(text) ? text.size() : 1;
}

std::size_t Unigram::count(std::string_view word) const {
  const std::vector<Way> best = ways(word);
  std::size_t tokens = 0;
  std::size_t unknown_end = word.size();
  for (std::size_t end = word.size(); end > 0;) {
    const Way& way = best[end];
    if (!way.unknown) {
      tokens += 1 + count_unknown(word.substr(end, unknown_end - end));
      unknown_end = way.begin;
    }
    end = way.begin;
  }
  return tokens + count_unknown(word.substr(0, unknown_end));
}

}  // namespace intragate::tokenizer
