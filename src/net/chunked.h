// Takes HTTP/1.1 chunked bodies apart, strictly, as the bytes come. Owner: one body. Thread: any (pure).
// Does not: keep bytes (pieces are views of the input), bound the body's size. Trailers are checked and dropped.
// Rule: RFC 9112 section 7.1; sizes of more than 15 hex digits, bare CR or LF, signs, white space around the size,
// control characters, extensions over 256 bytes and trailers over 8 KiB are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::net {

class ChunkedDecoder {
 public:
  enum class State : std::uint8_t {
    piece,  // `data` is a stretch of body, never empty
    more,   // everything in the input was consumed and more is needed
    end,    // the body is over; `consumed` ends behind the last CRLF of the trailers
    bad,    // not the protocol; and so is every later call
  };
  struct Step {
    State state = State::more;
    std::string_view data{};   // piece only
    std::size_t consumed = 0;  // bytes of the input that are dealt with, framing included
    // The input's first `consumed` bytes are one whole chunk written as append_chunk_head would ("1f\r\n…\r\n", no
    // extension, no leading zero, small letters) and `data` is all of it: they can be passed on as they are.
    bool whole_chunk = false;
  };
  // Looks at the front of `input`. Call again with what remains (and what came since) until `more`, `end` or `bad`.
  Step step(std::string_view input);
  // True before the first byte of a chunk's size: a connection that ends here breaks the body off (the last chunk has
  // not come), but in the middle of no chunk.
  [[nodiscard]] bool between_chunks() const { return part_ == Part::size && digits_ == 0; }

 private:
  enum class Part : std::uint8_t {
    size,           // hex digits
    extension,      // behind ";"
    size_lf,        // behind the CR of the size line
    data,           // `left_` bytes of body
    data_cr,        // behind the last of them
    data_lf,        // …
    trailer_start,  // where a trailer or the final empty line begins
    trailer_name,   // before its colon
    trailer_value,  // behind it
    trailer_lf,     // behind its CR
    last_lf,        // behind the CR of the final empty line
    end,
    bad,
  };
  [[nodiscard]] static Step whole_chunk(std::string_view input);
  [[nodiscard]] Part after(char c);
  [[nodiscard]] Part after_size(char c);
  [[nodiscard]] Part after_trailer(char c);

  std::uint64_t left_ = 0;       // the chunk's size while its digits come, then what is missing of it
  std::uint16_t digits_ = 0;     // of the current size
  std::uint16_t extension_ = 0;  // bytes of the current extension
  std::uint16_t trailers_ = 0;   // bytes of all trailers
  Part part_ = Part::size;
};

// "1f\r\n" for a piece of that size; close it with kChunkEnd. A size of 0 would end the body: REQUIRES size > 0.
void append_chunk_head(std::string& out, std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace intragate::net
