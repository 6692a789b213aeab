// Takes a body out of its framing (length, chunked, until close) as the bytes come. Owner: one message.
// Thread: any (pure). Does not: read, keep bytes. Rule: RFC 9112 section 6.3.
#pragma once

#include <algorithm>

#include "net/chunked.h"
#include "net/http_head.h"

namespace intragate::net {

class BodyDecoder {
 public:
  using State = ChunkedDecoder::State;
  using Step = ChunkedDecoder::Step;

  BodyDecoder(Framing framing, std::uint64_t length)
      : framing_{framing}, left_{framing == Framing::length ? length : 0} {}
  explicit BodyDecoder(const ResponseHead& head) : BodyDecoder{head.framing, head.content_length} {}

  Step step(std::string_view input) {
    switch (framing_) {
      case Framing::chunked: return chunked_.step(input);
      case Framing::until_close:
        if (input.empty()) return {};
        return {.state = State::piece, .data = input, .consumed = input.size()};
      case Framing::none: return {.state = State::end};
      case Framing::length: break;
    }
    if (left_ == 0) return {.state = State::end};
    if (input.empty()) return {};
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
    left_ -= size;
    return {.state = State::piece, .data = input.substr(0, size), .consumed = size};
  }

  // Whether a body that ends with its connection, here, is whole.
  [[nodiscard]] bool may_close_here() const { return framing_ == Framing::until_close; }

 private:
  Framing framing_;
  std::uint64_t left_;
  ChunkedDecoder chunked_;
};

}  // namespace intragate::net
