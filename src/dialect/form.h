// A transcription's request: multipart/form-data, of which only `model` and `stream` are read. Pure functions over
// bytes. Owner: the caller; spans count in the body. Does not: look into the recording, copy it.
// Rule: RFC 7578 and RFC 2046 section 5.1.1, narrowed: no preamble, line ends are CRLF, a boundary of 1 to 70
// characters, which stands nowhere within a part, one name for each part. What other readers may take for another form
// is refused: the model that a key was checked for must be the one that the server reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "llm/call.h"

namespace intragate::dialect::form {

// Reads a form as its bytes come, in pieces of any length; holds no more of it than the head of a part and a name.
class Reader {
 public:
  // `content_type`: the request's header. Errors: invalid_request: another media type, no usable boundary.
  [[nodiscard]] static Result<Reader> of(std::string_view content_type);

  // What came next. Errors: invalid_request: what is not made of parts, more than 64 of them, `model` or `stream`
  // twice. Nothing is read after one.
  [[nodiscard]] Result<Unit> take(std::string_view piece);
  // Nothing more comes. Errors: invalid_request: it breaks off, or says no `model`.
  [[nodiscard]] Result<Unit> end() const;

  // What is known so far; its `model` is empty until it has come whole.
  [[nodiscard]] const llm::Call& call() const { return call_; }

 private:
  enum class State : std::uint8_t { start, behind_delimiter, head, value, end };
  explicit Reader(std::string_view boundary);
  Result<std::size_t> take_some(std::string_view piece);
  Result<std::size_t> take_delimiter_end(std::string_view piece);
  Result<std::size_t> take_head(std::string_view piece);
  Result<std::size_t> take_value(std::string_view piece);
  [[nodiscard]] std::size_t find_dashes(std::string_view piece);
  [[nodiscard]] bool behind_line_end(std::string_view piece, std::size_t end) const;
  void keep_tail(std::string_view piece);
  Result<Unit> begin_part();
  Result<Unit> end_part(std::uint64_t value_end);

  std::string dashes_;                 // "--boundary"
  std::vector<std::uint8_t> restart_;  // of the search for it, by Knuth, Morris and Pratt
  std::size_t matched_ = 0;            // bytes of it at the end of what came
  std::string tail_;                   // the last bytes of what came: enough to see what stands before a boundary
  State state_ = State::start;
  std::uint64_t taken_ = 0;  // bytes of the body
  std::string head_;         // of the part, while it comes; then what comes behind a delimiter
  std::string value_;        // of `model` or `stream`, with the beginning of the delimiter behind it
  std::string name_;         // of the part
  std::uint64_t value_at_ = 0;
  int parts_ = 0;
  std::array<bool, 2> seen_{};  // model, stream
  llm::Call call_;
};

// A form that is there as a whole. Errors: as Reader's.
[[nodiscard]] Result<llm::Call> understand(std::string_view content_type, std::string_view body);

// The change that makes the body fit the endpoint: the model's name there. REQUIRES: no line break in it.
[[nodiscard]] llm::Edits edits(const llm::Call& call, std::string_view upstream_model);

}  // namespace intragate::dialect::form
