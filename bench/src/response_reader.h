// Reads one HTTP/1.1 answer at a time from the bytes that a proxy sends, in pieces of any size.
// Owner:   one per connection of bench_load.  Thread: one.
// Does not: keep the body; the sink sees its bytes go by. Answers without length or chunks (read until close) are
//          broken: no proxy under test should send one.
// Rule:    RFC 9112 sections 6 and 7.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::bench {

// What a reader tells while it reads. `body` may come several times for one chunk; `chunk_ended` follows its last byte.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  virtual void body(std::string_view bytes) = 0;
  virtual void chunk_ended() = 0;
};

enum class ReadState : std::uint8_t { more, complete, broken };

class ResponseReader {
 public:
  // Forgets everything: the next byte is the first of a new answer.
  void begin();

  // Takes what belongs to this answer from the front of `bytes`.
  ReadState feed(std::string_view& bytes, AnswerSink& sink);

  int status() const { return status_; }
  bool started() const { return started_; }
  bool closes() const { return closes_; }

 private:
  enum class Part : std::uint8_t { head, counted, chunk_size, chunk_data, chunk_end, trailer, done };

  // The next line without its end, or nothing until it is complete.
  bool next_line(std::string_view& bytes, std::string& line);
  ReadState read_head(std::string_view& bytes);
  void read_field(const std::string& line);
  ReadState read_chunk_size(std::string_view& bytes);
  void read_data(std::string_view& bytes, AnswerSink& sink);

  Part part_ = Part::head;
  int status_ = 0;
  bool started_ = false;
  bool closes_ = false;
  bool chunked_ = false;
  bool has_length_ = false;
  std::uint64_t left_ = 0;
  std::string line_;
};

}  // namespace intragate::bench
