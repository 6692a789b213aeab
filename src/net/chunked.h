// Takes HTTP/1.1 chunked bodies apart, strictly, as the bytes come. Owner: one body. Thread: any (pure).
// Does not: keep bytes (pieces are views of the input). Trailers are read and dropped. Rule: RFC 9112 section 7.1; sizes of
// more than 15 hex digits, bare LF, signs, white space before the size and chunk extensions over 256 bytes are errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::net {

class ChunkedDecoder {
 public:
  enum class State : std::uint8_t {
    piece,    // `data` is a stretch of body
    more,     // everything in the input was consumed and more is needed
    end,      // the body is over; `consumed` ends behind the last CRLF of the trailers
    bad,
  };
  struct Step {
    State state = State::more;
    std::string_view data;     // piece only
    std::size_t consumed = 0;  // bytes of the input that are dealt with, framing included
    // The input's first `consumed` bytes are one whole chunk written as append_chunk_head would ("1f\r\n…\r\n", no extension, no
    // leading zero) and `data` is all of it: they can be passed on as they are.
    bool whole_chunk = false;
  };
  // Looks at the front of `input`. Call again with what remains (and what came since) until `more`, `end` or `bad`.
  Step step(std::string_view input);
  // True before the first byte of a chunk's size line: the only places where `end` of stream … is still an error, but where
  // nothing of a chunk is missing.
  [[nodiscard]] bool between_chunks() const { return state_ == Part::size && digits_ == 0; }

 private:
  enum class Part : std::uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailer, trailer_lf, end, bad };
  Step whole(std::string_view input) const;
  bool framing_byte(char c);

  Part state_ = Part::size;
  std::uint64_t left_ = 0;
  std::uint16_t digits_ = 0;
  std::uint16_t line_ = 0;      // bytes of the current extension or trailer line
  std::uint32_t trailers_ = 0;  // bytes of all trailers, bounded
};

// "1f\r\n" for a piece of that size; close it with kChunkEnd.
void append_chunk_head(std::string& out, std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace intragate::net
