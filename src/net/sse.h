// Brings any legal server-sent event stream into the one form that Dify and every OpenAI client read: an event is
// "data: <one line>\n\n", a comment is a block of its own ":…\n\n", nothing else. Bytes already in that form are passed
// as views of the input, uncopied. Owner: one relayed stream. Thread: any (pure). Does not: look into the data, do I/O.
// Rule: WHATWG HTML 9.2.5-9.2.6 (parsing); docs/decisions/0004-sse-form.md (why this form).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace intragate::net {

struct SseEvent {
  enum class Kind : std::uint8_t { data, comment } kind = Kind::data;
  std::string_view bytes{};  // the whole block in the passed-on form, with its blank line
  std::string_view data{};  // data only, never blank: what follows "data:" and one optional space, without the line end
};

class SseReader {
 public:
  // `limit`: the longest single event in bytes; beyond it the stream is broken off.
  explicit SseReader(std::size_t limit = 4 * 1024 * 1024) : limit_{limit} {}

  enum class State : std::uint8_t { event, more, too_long };
  struct Step {
    State state = State::more;
    SseEvent event{};          // views of the input or of this reader; valid until the next call
    std::size_t consumed = 0;  // `more`: always all of the input (an unfinished event is kept inside)
  };
  // The next event of the input; call again with what remains until `more`, which also gives back the memory of an
  // event that had to be put together. The same bytes give the same blocks however they are cut into inputs. Several
  // `data:` lines of one event become one, joined by a space: between JSON tokens that is the same as the rule's line
  // feed, which the one-line form has no room for. Where the blank line between two events was forgotten, though, a
  // `data:` line that begins as JSON does, or is [DONE], ends the event of the lines before it, if those end as JSON
  // does: within one JSON text no line can do both. Blank `data:` lines and events without data (only event:, id:,
  // retry:) vanish. A comment goes out at once, as a block before the event it stands in. A byte order mark at the very
  // start is dropped. CR, LF and CRLF end lines. After `too_long` every call says so again.
  Step step(std::string_view input);

  // At the end of the stream: an unfinished event is discarded by the rule, but models do forget the last blank line.
  // So an event whose lines are complete is given out here, also when its last data line lacks only its line end (it
  // ends as JSON does, with } or ], so that nothing cut in half goes out as whole). Two such events may lack the blank
  // line between them: call until `more`. Nothing is held afterwards.
  Step finish();

  // True when nothing is held: what comes next can be part of no event that has begun.
  [[nodiscard]] bool at_boundary() const { return held_.empty() || (shown_ && !follows_ && whole_lines_ == 0); }

 private:
  // How much of the byte order mark has been seen; 3: all of it, or something else came.
  static constexpr std::uint8_t kStarted = 3;

  [[nodiscard]] std::size_t skip_start(std::string_view input);
  [[nodiscard]] std::size_t skip_line_feed(std::string_view input);
  [[nodiscard]] std::optional<SseEvent> end_line(std::string_view rest_of_line);
  [[nodiscard]] std::optional<SseEvent> end_event();
  [[nodiscard]] SseEvent show(SseEvent::Kind kind, std::size_t from);
  [[nodiscard]] bool begins_next() const;
  [[nodiscard]] SseEvent show_before_line();
  void add_data_line();
  void drop_shown();
  void drop_line();
  void drop_all();

  // The unfinished event: its data lines so far, already joined to one ("data: … …", `whole_lines_` bytes), and behind
  // them the beginning of a line whose end has not come. What was given out last may stand there too until the next
  // call.
  std::string held_;
  std::size_t whole_lines_ = 0;
  std::size_t limit_;
  std::uint8_t start_ = 0;  // kStarted, or less
  bool skip_lf_ = false;    // the last line ended with the input's last byte, a CR: an LF that follows belongs to it
  bool shown_ = false;      // held_ behind whole_lines_ was given out
  bool follows_ = false;  // shown_, but it was what stands before whole_lines_; behind it, the next event's first line
  bool too_long_ = false;
};

}  // namespace intragate::net
