// The half of Stream for models of other dialects: each of their events becomes at most one of the client's.
#include "pipeline/conversion.h"
#include "pipeline/stream_writing.h"

namespace intragate::pipeline {
namespace {

constexpr std::string_view kField = "data: ";
constexpr std::string_view kBlankLine = "\n\n";
constexpr std::string_view kDone = "data: [DONE]\n\n";
constexpr int kModelFailed = 500;

}  // namespace

void Stream::convert_piece(std::string_view data, Writing& writing) {
  writing.begin_copy();
  while (writing.out.end == End::open) {
    const net::EventReader::Step step = conversion_->reader.step(data);
    data.remove_prefix(step.consumed);
    if (step.state == net::EventReader::State::too_long) writing.out.end = End::malformed;
    if (step.state != net::EventReader::State::event) return;
    convert_event(step.data, writing);
  }
}

void Stream::convert_event(std::string_view data, Writing& writing) {
  seen_ = true;
  Conversion& c = *conversion_;
  Output& out = writing.out;
  c.delta.clear();
  c.converter.event(c.api, data, c.delta);
  if (c.delta.malformed) {
    out.end = End::malformed;
    return;
  }
  c.event = kField;
  if (c.delta.usage) usage_ = *c.delta.usage;
  if (usage_.source == llm::UsageSource::upstream && usage_.prompt_tokens == 0) {
    usage_ = {c.prompt_estimate, usage_.completion_tokens, llm::UsageSource::estimated};
  }
  const bool ends = c.delta.done || !c.delta.finish.empty();
  const bool last = ends || !c.delta.tools.empty();
  c.filter.apply(c.delta.text, c.delta.reasoning,
                 last ? dialect::ReasoningFilter::Piece::last : dialect::ReasoningFilter::Piece::more);
  c.tools.apply(c.delta, ends ? dialect::ToolText::Piece::last : dialect::ToolText::Piece::more);
  if (c.delta.failed) {
    c.event += dialect::openai::encode_refusal(kModelFailed, c.delta.error);
  } else {
    c.writer.write(c.delta, c.event);
  }
  const std::string_view event = std::string_view{c.event}.substr(kField.size());
  if (c.delta.says_something()) {
    ++c.events;
    if (!count_token(event, out)) return;
  }
  if (transcript_ != nullptr && !event.empty() && !c.delta.failed) transcript_->add(event);
  if (!event.empty() && !(transcript_ != nullptr && c.delta.failed)) {
    if (kept_ != nullptr) kept_->event(event);
    c.event += kBlankLine;
    out.payload += c.event.size();
    add(c.event, writing);
  }
  if (c.delta.failed) {
    out.end = End::model_error;
  } else if (c.delta.done) {
    end_conversion(writing);
  }
}

// What clients expect at the end: a reason, the counts if they are to be shown, [DONE].
void Stream::end_conversion(Writing& writing) {
  Conversion& c = *conversion_;
  const auto send = [&] {
    writing.out.payload += c.event.size();
    add(c.event, writing);
  };
  if (!c.writer.finished()) {
    c.delta.clear();
    c.filter.apply(c.delta.text, c.delta.reasoning, dialect::ReasoningFilter::Piece::last);
    c.tools.apply(c.delta, dialect::ToolText::Piece::last);
    c.delta.finish = "stop";
    c.event = kField;
    c.writer.write(c.delta, c.event);
    c.event += kBlankLine;
    send();
  }
  if (usage_events_ == UsageEvents::shown) {
    const bool known = usage_.source != llm::UsageSource::none;
    const llm::Usage counted{c.prompt_estimate, c.events, llm::UsageSource::counted};
    c.event = kField;
    c.writer.write_usage(known ? usage_ : counted, c.event);
    c.event += kBlankLine;
    send();
  }
  c.event = kDone;
  send();
  writing.out.end = End::complete;
}

// The body is over.
void Stream::convert_rest(Writing& writing) {
  writing.begin_copy();
  while (writing.out.end == End::open) {
    const net::EventReader::Step step = conversion_->reader.finish();
    if (step.state != net::EventReader::State::event) break;
    convert_event(step.data, writing);
  }
  if (writing.out.end != End::open) return;
  const bool whole = conversion_->writer.finished() || (seen_ && !conversion_->converter.says_done());
  if (whole) {
    end_conversion(writing);
  } else {
    writing.out.end = End::malformed;
  }
}

}  // namespace intragate::pipeline
