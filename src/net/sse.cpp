#include "net/sse.h"

#include <bit>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace intragate::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kField = "data:";
constexpr std::string_view kBlankLine = "\n\n";

// Where the first line end (CR or LF) is, or the text's size. One pass for both: two searches, one for each, would look
// at the same far LF again and again in a stream that ends its lines with CR.
std::size_t line_size(std::string_view text) {
  std::size_t at = 0;
#if defined(__SSE2__)
  const __m128i line_feed = _mm_set1_epi8('\n');
  const __m128i carriage_return = _mm_set1_epi8('\r');
  for (; text.size() - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(block, line_feed), _mm_cmpeq_epi8(block, carriage_return));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(ends));
    if (mask != 0) return at + static_cast<std::size_t>(std::countr_zero(mask));
  }
#endif
  while (at < text.size() && text[at] != '\n' && text[at] != '\r') ++at;
  return at;
}

// The value of a "data:" line, less one leading space.
std::string_view data_of(std::string_view line) {
  line.remove_prefix(kField.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

bool ends_as_json(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t");
  return last != std::string_view::npos && (text[last] == '}' || text[last] == ']');
}

bool begins_as_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return false;
  return text[first] == '{' || text.substr(first).starts_with("[DONE]");
}

// The block at the front of `input` when it already has the passed-on form; `size` is that of its first line.
std::optional<SseEvent> plain_block(std::string_view input, std::size_t size) {
  if (input.size() < size + kBlankLine.size() || input.substr(size, kBlankLine.size()) != kBlankLine) return {};
  const std::string_view line = input.substr(0, size);
  const std::string_view bytes = input.substr(0, size + kBlankLine.size());
  if (line.starts_with(':')) return SseEvent{.kind = SseEvent::Kind::comment, .bytes = bytes};
  if (!line.starts_with(kField)) return {};
  const std::string_view data = data_of(line);
  if (data.empty() || is_blank(data.substr(0, 1))) return {};  // perhaps all blank: the other way tells
  return SseEvent{.kind = SseEvent::Kind::data, .bytes = bytes, .data = data};
}

}  // namespace

SseReader::Step SseReader::step(std::string_view input) {
  if (too_long_) return {.state = State::too_long};
  if (shown_) drop_shown();
  std::size_t at = skip_start(input);
  while (at < input.size()) {
    const std::string_view rest = input.substr(at);
    const std::size_t size = line_size(rest);
    if (held_.size() + size > limit_) {
      drop_all();
      too_long_ = true;
      return {.state = State::too_long, .consumed = at};
    }
    if (held_.empty()) {
      const std::optional<SseEvent> plain = plain_block(rest, size);
      if (plain) return {.state = State::event, .event = *plain, .consumed = at + plain->bytes.size()};
    }
    if (size == rest.size()) {
      held_ += rest;
      break;
    }
    at += size + 1;
    skip_lf_ = rest[size] == '\r';
    at += skip_line_feed(input.substr(at));
    const std::optional<SseEvent> event = end_line(rest.substr(0, size));
    if (event) return {.state = State::event, .event = *event, .consumed = at};
  }
  return {.state = State::more, .consumed = input.size()};
}

SseReader::Step SseReader::finish() {
  if (too_long_) return {.state = State::too_long};
  if (shown_) drop_shown();
  const std::string_view line = std::string_view{held_}.substr(whole_lines_);
  const bool whole = line.empty() || (line.starts_with(kField) && ends_as_json(data_of(line)));
  if (!line.empty() && whole) {
    if (begins_next()) return {.state = State::event, .event = show_before_line()};
    add_data_line();
  }
  const std::optional<SseEvent> event = whole ? end_event() : std::nullopt;
  if (event) return {.state = State::event, .event = *event};
  drop_all();
  return {};
}

// Steps over what may stand before the input's first line: (the rest of) a byte order mark, the LF of a CRLF cut in
// two.
std::size_t SseReader::skip_start(std::string_view input) {
  std::size_t at = 0;
  while (start_ < kStarted && at < input.size()) {
    if (input[at] == kByteOrderMark[start_]) {
      ++at;
      ++start_;
    } else {
      held_ = kByteOrderMark.substr(0, start_);  // a line that only begins like one
      start_ = kStarted;
    }
  }
  return at + skip_line_feed(input.substr(at));
}

std::size_t SseReader::skip_line_feed(std::string_view input) {
  if (!skip_lf_ || input.empty()) return 0;
  skip_lf_ = false;
  return input.front() == '\n' ? 1 : 0;
}

// A line is complete: what is held of it, and this.
std::optional<SseEvent> SseReader::end_line(std::string_view rest_of_line) {
  held_.reserve(held_.size() + rest_of_line.size() + kBlankLine.size());
  held_ += rest_of_line;
  const std::string_view line = std::string_view{held_}.substr(whole_lines_);
  if (line.empty()) return end_event();
  if (line.starts_with(':')) {
    held_ += kBlankLine;
    return show(SseEvent::Kind::comment, whole_lines_);
  }
  if (line.starts_with(kField)) {
    if (begins_next()) return show_before_line();
    add_data_line();
  } else {
    drop_line();  // event:, id:, retry:, "data" without a colon (blank by the rule), fields nobody knows
  }
  return {};
}

// The blank line has come.
std::optional<SseEvent> SseReader::end_event() {
  if (whole_lines_ == 0) return {};
  held_ += kBlankLine;
  whole_lines_ = 0;
  return show(SseEvent::Kind::data, 0);
}

SseEvent SseReader::show(SseEvent::Kind kind, std::size_t from) {
  shown_ = true;
  const std::string_view bytes = std::string_view{held_}.substr(from);
  if (kind == SseEvent::Kind::comment) return {.kind = kind, .bytes = bytes};
  return {.kind = kind, .bytes = bytes, .data = data_of(bytes.substr(0, bytes.size() - kBlankLine.size()))};
}

// Whether the data: line behind the whole ones is no part of their event: the blank line between was forgotten.
bool SseReader::begins_next() const {
  if (whole_lines_ == 0) return false;
  const std::string_view held{held_};
  return begins_as_json(data_of(held.substr(whole_lines_))) && ends_as_json(held.substr(0, whole_lines_));
}

// The whole lines are an event; the line behind them stays, as the first of the next one.
SseEvent SseReader::show_before_line() {
  held_.insert(whole_lines_, kBlankLine);
  const std::string_view bytes = std::string_view{held_}.substr(0, whole_lines_ + kBlankLine.size());
  const std::string_view data = data_of(bytes.substr(0, whole_lines_));
  whole_lines_ = bytes.size();
  shown_ = true;
  follows_ = true;
  return {.kind = SseEvent::Kind::data, .bytes = bytes, .data = data};
}

// The line behind the whole ones is a complete data: line: joins it to them.
void SseReader::add_data_line() {
  const std::string_view line = std::string_view{held_}.substr(whole_lines_);
  const std::string_view data = data_of(line);
  if (is_blank(data)) return drop_line();
  if (whole_lines_ > 0) held_.replace(whole_lines_, line.size() - data.size(), " ");
  whole_lines_ = held_.size();
}

// Forgets what was given out.
void SseReader::drop_shown() {
  if (!follows_) return drop_line();
  held_.erase(0, whole_lines_);
  whole_lines_ = held_.size();
  shown_ = false;
  follows_ = false;
}

// Forgets what stands behind the whole lines, and gives the memory back when that was all.
void SseReader::drop_line() {
  shown_ = false;
  if (whole_lines_ == 0) return drop_all();
  held_.resize(whole_lines_);
}

void SseReader::drop_all() {
  std::string{}.swap(held_);
  whole_lines_ = 0;
  shown_ = false;
  follows_ = false;
}

}  // namespace intragate::net
