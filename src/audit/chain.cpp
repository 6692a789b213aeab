#include "audit/chain.h"

#include <algorithm>
#include <charconv>

#include "net/digest.h"

namespace intragate::audit {
namespace {

constexpr std::string_view kSeq = "{\"seq\":";
constexpr std::string_view kPrev = ",\"prev\":\"";
constexpr std::string_view kHash = ",\"hash\":\"";
constexpr std::string_view kEnd = "\"}";
constexpr std::size_t kDigits = std::tuple_size_v<HashText>;
// `,"prev":"…","hash":"…"}`
constexpr std::size_t kTail = kPrev.size() + kDigits + 1 + kHash.size() + kDigits + kEnd.size();

HashText hash_of(std::string_view bytes) {
  HashText text;
  net::write_hex(text.data(), net::sha256(bytes));
  return text;
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::optional<HashText> parse_hash(std::string_view text) {
  if (text.size() != kDigits || !is_hex(text)) return std::nullopt;
  HashText hash;
  std::copy(text.begin(), text.end(), hash.begin());
  return hash;
}

void seal(std::string& out, std::size_t begin, Link& last) {
  out += kPrev;
  out += view(last.hash);
  out += '"';
  last.hash = hash_of(std::string_view{out}.substr(begin));
  out += kHash;
  out += view(last.hash);
  out += "\"}\n";
}

std::optional<SealedLine> read_sealed(std::string_view line) {
  if (line.size() < kSeq.size() + 1 + kTail || !line.starts_with(kSeq)) return std::nullopt;
  SealedLine read;
  const char* const digits = line.data() + kSeq.size();
  const auto [end, problem] = std::from_chars(digits, line.data() + line.size(), read.seq);
  // No other spelling of the number: 017 would be 17 to some.
  if (problem != std::errc{} || *end != ',' || *digits == '0') return std::nullopt;
  std::string_view tail = line.substr(line.size() - kTail);
  if (tail.data() < end || !tail.starts_with(kPrev) || !tail.ends_with(kEnd)) return std::nullopt;
  read.prev = tail.substr(kPrev.size(), kDigits);
  tail.remove_prefix(kPrev.size() + kDigits);
  if (tail.front() != '"' || tail.substr(1, kHash.size()) != kHash) return std::nullopt;
  read.hash = tail.substr(1 + kHash.size(), kDigits);
  if (!is_hex(read.prev) || !is_hex(read.hash)) return std::nullopt;
  read.hashed = line.substr(0, line.size() - kHash.size() - kDigits - kEnd.size());
  return read;
}

HashText computed_hash(const SealedLine& line) {
  return hash_of(line.hashed);
}

std::string signed_text(const Link& link) {
  return "intragate audit 1\n" + std::to_string(link.seq) + "\n" + std::string{view(link.hash)} + "\n";
}

}  // namespace intragate::audit
