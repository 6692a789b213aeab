#include "net/chunked.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

#include "base/text.h"

namespace intragate::net {
namespace {

constexpr std::size_t kMaxDigits = 15;  // always below 2^60
constexpr std::size_t kMaxExtension = 256;
constexpr std::size_t kMaxTrailers = 8 * 1024;

constexpr bool is_small_hex(char c) {
  return text::is_digit(c) || (c >= 'a' && c <= 'f');
}

constexpr bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= ' ' && byte != 0x7f);
}

constexpr bool is_name(char c) {
  return text::is_letter(c) || text::is_digit(c) ||
         (c != 0 && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos);
}

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::step(std::string_view input) {
  if (between_chunks()) {
    const Step whole = whole_chunk(input);
    if (whole.whole_chunk) return whole;
  }
  std::size_t at = 0;
  while (at < input.size() && part_ != Part::data && part_ != Part::end && part_ != Part::bad) {
    part_ = after(input[at]);
    ++at;
  }
  if (part_ == Part::bad) return {.state = State::bad, .consumed = at};
  if (part_ == Part::end) return {.state = State::end, .consumed = at};
  if (at == input.size()) return {.state = State::more, .consumed = at};
  const std::string_view data = input.substr(at, std::min<std::uint64_t>(left_, input.size() - at));
  left_ -= data.size();
  if (left_ == 0) part_ = Part::data_cr;
  return {.state = State::piece, .data = data, .consumed = at + data.size()};
}

// What most models send: one event, one chunk, one read. Anything else is left to the bytewise way.
ChunkedDecoder::Step ChunkedDecoder::whole_chunk(std::string_view input) {
  const char* const begin = input.data();
  const char* const end = begin + std::min(input.size(), kMaxDigits);
  const char* at = begin;
  std::uint64_t size = 0;
  for (; at != end && is_small_hex(*at); ++at) {
    size = size * 16 + static_cast<std::uint64_t>(text::hex_value(*at));
  }
  const auto digits = static_cast<std::size_t>(at - begin);
  if (digits == 0 || *begin == '0') return {};
  const std::size_t head = digits + 2;
  if (input.size() < head + 2 || input.size() - head - 2 < size) return {};
  const std::size_t consumed = head + static_cast<std::size_t>(size) + 2;
  if (input.substr(digits, 2) != kChunkEnd || input.substr(consumed - 2, 2) != kChunkEnd) return {};
  return {.state = State::piece, .data = input.substr(head, size), .consumed = consumed, .whole_chunk = true};
}

// One byte of framing: where it leads.
ChunkedDecoder::Part ChunkedDecoder::after(char c) {
  switch (part_) {
    case Part::size: return after_size(c);
    case Part::extension:
      if (c == '\r') return Part::size_lf;
      return is_text(c) && ++extension_ <= kMaxExtension ? Part::extension : Part::bad;
    case Part::size_lf:
      if (c != '\n') return Part::bad;
      return left_ == 0 ? Part::trailer_start : Part::data;
    case Part::data_cr: return c == '\r' ? Part::data_lf : Part::bad;
    case Part::data_lf: digits_ = 0; return c == '\n' ? Part::size : Part::bad;
    case Part::last_lf: return c == '\n' ? Part::end : Part::bad;
    default: return after_trailer(c);
  }
}

ChunkedDecoder::Part ChunkedDecoder::after_size(char c) {
  if (const int value = text::hex_value(c); value >= 0) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(value);
    return ++digits_ <= kMaxDigits ? Part::size : Part::bad;
  }
  if (digits_ == 0) return Part::bad;
  extension_ = 0;
  if (c == ';') return Part::extension;
  return c == '\r' ? Part::size_lf : Part::bad;
}

ChunkedDecoder::Part ChunkedDecoder::after_trailer(char c) {
  if (++trailers_ > kMaxTrailers) return Part::bad;
  switch (part_) {
    case Part::trailer_start:
      if (c == '\r') return Part::last_lf;
      return is_name(c) ? Part::trailer_name : Part::bad;
    case Part::trailer_name:
      if (c == ':') return Part::trailer_value;
      return is_name(c) ? Part::trailer_name : Part::bad;
    case Part::trailer_value:
      if (c == '\r') return Part::trailer_lf;
      return is_text(c) ? Part::trailer_value : Part::bad;
    case Part::trailer_lf: return c == '\n' ? Part::trailer_start : Part::bad;
    default: return Part::bad;
  }
}

void append_chunk_head(std::string& out, std::size_t size) {
  assert(size > 0);
  std::array<char, 2 * sizeof size> digits;
  const std::to_chars_result written = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  out.append(digits.data(), written.ptr);
  out += kChunkEnd;
}

}  // namespace intragate::net
