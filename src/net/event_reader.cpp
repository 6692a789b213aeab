#include "net/event_reader.h"

#include <algorithm>
#include <optional>

#include "base/json_utf8.h"
#include "base/text.h"

namespace intragate::net {
namespace {

constexpr std::size_t kLongestCharacter = 4;

// Bytes at the end of `text` that may be the beginning of a character.
std::size_t cut_character(std::string_view text) {
  for (std::size_t back = 1; back < kLongestCharacter && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;  // not a first byte
    const std::size_t length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return length > back ? back : 0;
  }
  return 0;
}

constexpr std::size_t kFrameHead = 5;

// Of the frame that begins here, with its head; nothing: that is not known yet.
std::optional<std::size_t> frame_size(std::string_view bytes) {
  if (bytes.size() < kFrameHead) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 1; i < kFrameHead; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  return kFrameHead + size;
}

}  // namespace

EventReader::Step EventReader::step(std::string_view input) {
  if (given_) {
    std::string{}.swap(held_);
    given_ = false;
  }
  switch (framing_) {
    case EventFraming::sse: return step_sse(input);
    case EventFraming::ndjson: return step_line(input);
    case EventFraming::text: return step_text(input);
    case EventFraming::grpc: return step_frame(input);
    case EventFraming::whole: break;
  }
  return keep(input);
}

EventReader::Step EventReader::step_sse(std::string_view input) {
  std::size_t consumed = 0;
  for (;;) {
    const SseReader::Step step = sse_.step(input.substr(consumed));
    consumed += step.consumed;
    if (step.state == SseReader::State::too_long) return {.state = State::too_long, .consumed = consumed};
    if (step.state == SseReader::State::more) return {.consumed = consumed};
    if (step.event.kind == SseEvent::Kind::comment) continue;
    return {.state = State::event, .data = step.event.data, .consumed = consumed};
  }
}

EventReader::Step EventReader::step_line(std::string_view input) {
  std::size_t consumed = 0;
  while (consumed < input.size()) {
    const std::string_view rest = input.substr(consumed);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      Step kept = keep(rest);
      kept.consumed += consumed;
      return kept;
    }
    consumed += end + 1;
    std::string_view line = rest.substr(0, end);
    if (held_.size() + line.size() > limit_) return {.state = State::too_long, .consumed = consumed};
    if (!held_.empty()) {
      held_ += line;
      given_ = true;
      line = held_;
    }
    line = text::trim(line);
    if (!line.empty()) return {.state = State::event, .data = line, .consumed = consumed};
    held_.clear();
    given_ = false;
  }
  return {.consumed = consumed};
}

EventReader::Step EventReader::step_text(std::string_view input) {
  if (input.empty()) return {};
  std::string_view data = input;
  if (!held_.empty()) {
    held_ += input;
    data = held_;
  }
  const std::size_t cut = cut_character(data);
  const std::string_view whole = data.substr(0, data.size() - cut);
  if (whole.empty()) {
    if (held_.empty()) held_ = input;
    return {.consumed = input.size()};
  }
  // The cut character stays part of the input where it can, and is kept where it cannot.
  if (held_.empty()) return {.state = State::event, .data = whole, .consumed = whole.size()};
  if (cut > 0 && cut <= input.size()) {
    given_ = true;
    return {.state = State::event, .data = whole, .consumed = input.size() - cut};
  }
  given_ = true;
  return {.state = State::event, .data = data, .consumed = input.size()};
}

EventReader::Step EventReader::step_frame(std::string_view input) {
  if (held_.empty()) {
    const std::optional<std::size_t> size = frame_size(input);
    if (size && *size > limit_) return {.state = State::too_long};
    if (!size || *size > input.size()) return keep(input);
    return {.state = State::event, .data = input.substr(0, *size), .consumed = *size};
  }
  const std::size_t head = std::min(kFrameHead - std::min(held_.size(), kFrameHead), input.size());
  held_ += input.substr(0, head);
  const std::optional<std::size_t> size = frame_size(held_);
  if (!size) return {.consumed = head};
  if (*size > limit_) return {.state = State::too_long, .consumed = head};
  const std::size_t rest = std::min(*size - held_.size(), input.size() - head);
  held_ += input.substr(head, rest);
  if (held_.size() < *size) return {.consumed = head + rest};
  given_ = true;
  return {.state = State::event, .data = held_, .consumed = head + rest};
}

EventReader::Step EventReader::keep(std::string_view input) {
  if (held_.size() + input.size() > limit_) return {.state = State::too_long, .consumed = input.size()};
  held_ += input;
  return {.consumed = input.size()};
}

EventReader::Step EventReader::finish() {
  if (given_) {
    std::string{}.swap(held_);
    given_ = false;
    return {};
  }
  if (framing_ == EventFraming::sse) {
    const SseReader::Step step = sse_.finish();
    return step.state == SseReader::State::event && step.event.kind == SseEvent::Kind::data
               ? Step{.state = State::event, .data = step.event.data}
               : Step{};
  }
  const std::string_view rest = framing_ == EventFraming::ndjson ? text::trim(held_) : std::string_view{held_};
  given_ = true;
  return rest.empty() ? Step{} : Step{.state = State::event, .data = rest};
}

}  // namespace intragate::net
