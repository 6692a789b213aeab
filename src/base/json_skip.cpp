#include "base/json_skip.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/json_word.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace intragate::json {
namespace {

using Bits = std::uint64_t;  // one bit for each byte of a block; bit 0 is the first byte
constexpr std::size_t kBlock = 64;

// An instruction set is three functions over one block:
//   equal         which bytes are `wanted`
//   equal_folded  which bytes are `wanted` once their bit 0x20 is set: '{' finds '{' and '[', '}' finds '}' and ']'
//   prefix_xor    bit i of the result is the parity of bits 0 … i
// They take and give plain integers, so that the loops below need not know vectors; the entry functions at the end of
// this file inline all of it (flatten).

struct Portable {
  static constexpr Word kLow7 = 0x7F7F7F7F7F7F7F7F;

  static Bits matches(const char* block, char wanted, Word fold) {
    Bits result = 0;
    for (std::size_t i = 0; i < kBlock / 8; ++i) {
      const Word difference = (load_word(block + 8 * i) | fold) ^ (kOnes * static_cast<unsigned char>(wanted));
      const Word zero_bytes = ~(((difference & kLow7) + kLow7) | difference | kLow7);  // 0x80 where equal
      result |= (((zero_bytes >> 7) * 0x0102040810204080) >> 56) << (8 * i);
    }
    return result;
  }
  static Bits equal(const char* block, char wanted) { return matches(block, wanted, 0); }
  static Bits equal_folded(const char* block, char wanted) { return matches(block, wanted, kOnes * 0x20); }
  static Bits prefix_xor(Bits bits) {
    for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
  }
};

#if defined(__x86_64__)
struct Sse2 {
  static Bits matches(const char* block, char wanted, char fold) {
    Bits result = 0;
    for (std::size_t i = 0; i < kBlock / 16; ++i) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i));
      const __m128i same = _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(fold)), _mm_set1_epi8(wanted));
      result |= Bits{static_cast<std::uint32_t>(_mm_movemask_epi8(same))} << (16 * i);
    }
    return result;
  }
  static Bits equal(const char* block, char wanted) { return matches(block, wanted, 0); }
  static Bits equal_folded(const char* block, char wanted) { return matches(block, wanted, 0x20); }
  static Bits prefix_xor(Bits bits) { return Portable::prefix_xor(bits); }
};

struct Avx2 {
  [[gnu::target("avx2")]] static Bits matches(const char* block, char wanted, char fold) {
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block));
    const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32));
    const __m256i bit = _mm256_set1_epi8(fold);
    const __m256i sought = _mm256_set1_epi8(wanted);
    const int low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_or_si256(first, bit), sought));
    const int high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_or_si256(second, bit), sought));
    return Bits{static_cast<std::uint32_t>(high)} << 32 | static_cast<std::uint32_t>(low);
  }
  [[gnu::target("avx2")]] static Bits equal(const char* block, char wanted) { return matches(block, wanted, 0); }
  [[gnu::target("avx2")]] static Bits equal_folded(const char* block, char wanted) {
    return matches(block, wanted, 0x20);
  }
  // A carry-less product with all ones adds every bit to all bits above it.
  [[gnu::target("pclmul")]] static Bits prefix_xor(Bits bits) {
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)), _mm_set1_epi8(-1), 0);
    return static_cast<Bits>(_mm_cvtsi128_si64(product));
  }
};
#endif

// 64 bytes to look at. Of the last ones of a text the first `passed` have been seen before and do not count.
struct Block {
  const char* bytes;
  unsigned passed;
};

// The last, short block of a text: the text's last 64 bytes, or a padded copy where the text is shorter than that.
Block last_block(std::string_view text, std::size_t at, char (&space)[kBlock]) {
  if (text.size() >= kBlock) {
    return {text.data() + text.size() - kBlock, static_cast<unsigned>(kBlock - (text.size() - at))};
  }
  std::memset(space, ' ', kBlock);
  std::memcpy(space, text.data() + at, text.size() - at);
  return {space, 0};
}

// What looking at a block gave: the offset of the byte sought, or one of these.
constexpr unsigned kNotHere = 64;
constexpr unsigned kBroken = 65;

// Shows `seeker` block after block from `from` on, until it has found the last byte of what is skipped.
template <class Seeker>
std::size_t skip(std::string_view text, std::size_t from) {
  Seeker seeker;
  std::size_t at = from;
  for (; text.size() - at >= kBlock; at += kBlock) {
    const unsigned found = seeker.look(Block{text.data() + at, 0});
    if (found < kNotHere) return at + found + 1;
    if (found == kBroken) return std::string_view::npos;
  }
  if (at == text.size()) return std::string_view::npos;
  char space[kBlock];
  const unsigned found = seeker.look(last_block(text, at, space));
  return found < kNotHere ? at + found + 1 : std::string_view::npos;
}

// Finds what backslashes escape, block after block.
class Escapes {
 public:
  // Bytes that stand behind an odd number of backslashes, among those that are none themselves.
  Bits escaped(Bits backslash) {
    if (backslash == 0) return std::exchange(open_, 0);
    constexpr Bits kEven = 0x5555555555555555;
    // An escape left open by the block before makes our first byte harmless, be it a backslash or not.
    const Bits runs = backslash & ~open_;
    const Bits starts = runs & ~(runs << 1);
    // Adding the first bit of a run carries through all of it and comes out just behind: the run was odd if it began on
    // an even place and ends before an odd one, or the other way round.
    const Bits behind_even = runs + (starts & kEven);
    Bits behind_odd = 0;
    const bool overflow = __builtin_add_overflow(runs, starts & ~kEven, &behind_odd);
    const Bits behind = ~runs & ((behind_even & ~kEven) | (behind_odd & kEven));
    return behind | std::exchange(open_, overflow ? 1 : 0);
  }

 private:
  Bits open_ = 0;  // 1: the last block ended in the middle of an escape
};

// Seeks the quote that ends a string.
template <class Set>
class StringEnd {
 public:
  unsigned look(Block block) {
    const Bits escaped = escapes_.escaped(Set::equal(block.bytes, '\\') >> block.passed);
    const Bits quotes = Set::equal(block.bytes, '"') >> block.passed & ~escaped;
    return static_cast<unsigned>(std::countr_zero(quotes));  // 64, which is kNotHere, without any
  }

 private:
  Escapes escapes_;
};

// Brackets outside strings, within one block.
struct Brackets {
  Bits opens = 0;
  Bits closes = 0;
};

// The bit of the close that brings `depth` to zero; 0: none does.
Bits last_close(Brackets brackets, std::size_t depth) {
  for (Bits rest = brackets.closes; rest != 0; rest &= rest - 1, --depth) {
    const Bits close = rest & -rest;
    if (depth + static_cast<std::size_t>(std::popcount(brackets.opens & (close - 1))) == 1) return close;
  }
  return 0;
}

// Seeks the bracket that brings the depth back to zero.
template <class Set>
class ContainerEnd {
 public:
  unsigned look(Block block) {
    const Bits backslash = Set::equal(block.bytes, '\\') >> block.passed;
    const Bits quotes = Set::equal(block.bytes, '"') >> block.passed & ~escapes_.escaped(backslash);
    if (quotes == 0 && inside_ != 0) return kNotHere;  // nothing but the middle of a string
    const Bits strings = Set::prefix_xor(quotes) ^ inside_;
    inside_ = -(strings >> 63);
    const Brackets brackets{.opens = Set::equal_folded(block.bytes, '{') >> block.passed & ~strings,
                            .closes = Set::equal_folded(block.bytes, '}') >> block.passed & ~strings};
    const Bits stray = backslash & ~strings;
    const auto closes = static_cast<std::size_t>(std::popcount(brackets.closes));
    if (closes >= depth_) {
      const Bits last = last_close(brackets, depth_);
      if (last != 0 && (stray & (last - 1)) == 0) return static_cast<unsigned>(std::countr_zero(last));
    }
    depth_ += static_cast<std::size_t>(std::popcount(brackets.opens)) - closes;
    return stray == 0 ? kNotHere : kBroken;
  }

 private:
  Escapes escapes_;
  Bits inside_ = 0;  // all ones: a string is open where the block begins
  std::size_t depth_ = 0;
};

[[gnu::flatten]] std::size_t string_portable(std::string_view text, std::size_t from) {
  return skip<StringEnd<Portable>>(text, from);
}
[[gnu::flatten]] std::size_t container_portable(std::string_view text, std::size_t from) {
  return skip<ContainerEnd<Portable>>(text, from);
}
constexpr Skipper kPortable{"portable", string_portable, container_portable};

#if defined(__x86_64__)
[[gnu::flatten]] std::size_t string_sse2(std::string_view text, std::size_t from) {
  return skip<StringEnd<Sse2>>(text, from);
}
[[gnu::flatten]] std::size_t container_sse2(std::string_view text, std::size_t from) {
  return skip<ContainerEnd<Sse2>>(text, from);
}
[[gnu::target("avx2,pclmul,popcnt,bmi"), gnu::flatten]] std::size_t string_avx2(std::string_view text,
                                                                                std::size_t from) {
  return skip<StringEnd<Avx2>>(text, from);
}
[[gnu::target("avx2,pclmul,popcnt,bmi"), gnu::flatten]] std::size_t container_avx2(std::string_view text,
                                                                                   std::size_t from) {
  return skip<ContainerEnd<Avx2>>(text, from);
}

constexpr std::array<Skipper, 3> kSkippers{
    {{"avx2", string_avx2, container_avx2}, {"sse2", string_sse2, container_sse2}, kPortable}};

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("popcnt") &&
         __builtin_cpu_supports("bmi");
}
#else
constexpr std::array<Skipper, 1> kSkippers{{kPortable}};

bool has_avx2() {
  return true;
}
#endif

}  // namespace

std::span<const Skipper> skippers() {
  static const std::size_t first = has_avx2() ? 0 : 1;
  return std::span{kSkippers}.subspan(first);
}

}  // namespace intragate::json
