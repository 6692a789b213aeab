// Brings any legal server-sent event stream into the one form that Dify and every OpenAI client read: an event is
// "data: <one line>\n\n", a comment is a block of its own ":…\n\n", nothing else. Bytes already in that form are passed as
// views of the input, uncopied. Owner: one relayed stream. Thread: any (pure). Does not: look into the data, do I/O.
// Rule: WHATWG HTML 9.2.5-9.2.6 (parsing); docs/decisions/0004-sse-form.md (why this form).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::net {

struct SseEvent {
  enum class Kind : std::uint8_t { data, comment } kind = Kind::data;
  std::string_view bytes;  // the whole block in the passed-on form, with its blank line
  std::string_view data;   // data only: what follows "data: " (leading space optional in `bytes`), without the line end
};

class SseReader {
 public:
  // `limit`: the longest single event in bytes; beyond it the stream is broken off.
  explicit SseReader(std::size_t limit = 4 * 1024 * 1024) : limit_{limit} {}

  enum class State : std::uint8_t { event, more, too_long };
  struct Step {
    State state = State::more;
    SseEvent event;            // views of the input or of this reader; valid until the next call
    std::size_t consumed = 0;  // `more`: always all of the input (an unfinished event is kept inside)
  };
  // The next event of the input. Several `data:` lines of one event become one, joined by a space where JSON permits none to
  // be lost ("\n" joined per the rule would break the one-line form; between JSON tokens they are the same). Events without
  // data (only event:, id:, retry:) vanish. A byte order mark at the very start is dropped. CR, LF, CRLF end lines.
  Step step(std::string_view input);

  // At the end of the stream: an unfinished event is discarded by the rule, but models do forget the last blank line, so an
  // event whose lines are complete, or whose last data line lacks only its line end, is given out here. Else `more`.
  Step finish();

  // True when nothing is held: the next byte begins an event.
  [[nodiscard]] bool at_boundary() const;

 private:
  // Layout is the implementer's (keep sizeof small: one of these lives in every open stream; free the held text at
  // boundaries when it has grown over 4 KiB).
  std::size_t limit_;
  std::string line_;      // the unfinished line
  std::string data_;      // data lines of the unfinished event
  std::string comment_;   // comment lines seen since the last block given out
  std::string out_;       // a re-framed block given out last
  std::uint8_t flags_ = 0;
};

}  // namespace intragate::net
