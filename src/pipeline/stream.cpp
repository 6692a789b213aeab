#include "pipeline/stream.h"

#include "dialect/openai.h"
#include "net/chunked.h"
#include "pipeline/conversion.h"
#include "pipeline/mending.h"
#include "pipeline/stream_writing.h"

namespace intragate::pipeline {

using State = net::BodyDecoder::State;

Stream::Stream(Framing framing, UsageEvents usage, std::uint64_t most, std::unique_ptr<Conversion> conversion,
               std::unique_ptr<Mending> mending)
    : conversion_{std::move(conversion)},
      mending_{std::move(mending)},
      framing_{framing},
      usage_events_{usage},
      most_{most},
      left_{most > 0 ? most : kUnlimited} {}

Stream::Stream(Framing framing, UsageEvents usage, std::uint64_t most)
    : Stream{framing, usage, most, nullptr, nullptr} {}

Stream::~Stream() = default;

Stream::Output Stream::take(std::string_view input, net::BodyDecoder& decoder, std::string& scratch) {
  scratch.clear();
  look_for_finish_ = decoder.may_close_here();
  Writing writing{.out = {}, .scratch = scratch, .as_it_is = framing_ == Framing::chunked && !conversion_};
  Output& out = writing.out;
  while (out.end == End::open) {
    const net::BodyDecoder::Step step = decoder.step(input.substr(out.consumed));
    if (step.state == State::piece) take_piece(step, writing);
    out.consumed += step.consumed;
    if (writing.as_it_is && step.state == State::piece) out.bytes = input.substr(0, out.consumed);
    if (step.state == State::bad) out.end = End::malformed;
    if (step.state == State::end) {
      take_rest(writing);
      if (out.end == End::open && seen_ && !done_) mend_end(writing);
      // Not one event: whatever this was, it was no stream.
      if (out.end == End::open) out.end = seen_ ? End::complete : End::malformed;
      out.body_ended = true;
    }
    if (step.state == State::more) break;
  }
  if (out.end == End::complete && !out.body_ended) {  // [DONE] came; has the end of the body come with it?
    const net::BodyDecoder::Step step = decoder.step(input.substr(out.consumed));
    out.body_ended = step.state == State::end;
    out.consumed += step.consumed;
  }
  if (!writing.as_it_is) out.bytes = scratch;
  return out;
}

// A whole chunk that is one whole event in the right form goes on as it lies in the input, framing included; from the
// first one on that is not, everything is copied.
void Stream::take_piece(const net::BodyDecoder::Step& piece, Writing& writing) {
  if (conversion_) return convert_piece(piece.data, writing);
  const bool may_pass = writing.as_it_is && piece.whole_chunk && reader_.at_boundary();
  std::string_view data = piece.data;
  bool passed = false;
  while (writing.out.end == End::open) {
    const net::SseReader::Step step = reader_.step(data);
    data.remove_prefix(step.consumed);
    if (step.state == net::SseReader::State::too_long) writing.out.end = End::malformed;
    if (step.state != net::SseReader::State::event) break;
    if (!wanted(step.event, writing.out)) continue;
    if (kept_ != nullptr && !data_.empty()) kept_->event(data_);
    const bool alone = before_.empty();
    passed = alone && may_pass && block_.data() == piece.data.data() && block_.size() == piece.data.size();
    if (passed) {
      writing.out.payload += block_.size();
      return;
    }
    if (!alone) send_before(writing);
    send(block_, writing);
  }
  writing.begin_copy();
}

void Stream::send(std::string_view block, Writing& writing) const {
  writing.begin_copy();
  writing.out.payload += block.size();
  add(block, writing);
}

void Stream::add(std::string_view block, Writing& writing) const {
  std::string& to = writing.scratch;
  if (framing_ == Framing::chunked) net::append_chunk_head(to, block.size());
  to += block;
  if (framing_ == Framing::chunked) to += net::kChunkEnd;
}

// Looks into the event, and says whether the client may see it.
bool Stream::wanted(const net::SseEvent& event, Output& out) {
  block_ = event.bytes;
  data_ = event.kind == net::SseEvent::Kind::comment ? std::string_view{} : event.data;
  if (event.kind == net::SseEvent::Kind::comment) return true;
  seen_ = true;
  dialect::openai::EventFacts facts;
  if (!is_known(event.data, facts)) {
    data_ = mended(event);
    if (data_.empty()) return false;
    facts = dialect::openai::inspect_event(data_);
    if (look_for_finish_ && dialect::openai::says_finished(data_)) finished_ = true;
    const bool as_it_was = data_.data() == event.data.data();
    if (known_ && as_it_was)
      known_->learn(data_, facts, mending_ ? mending_->trace() : dialect::openai::Mender::Trace{});
  }
  return wanted(facts, out);
}

// Like one that was read before, of this stream or of another.
bool Stream::is_known(std::string_view data, dialect::openai::EventFacts& facts) {
  if (!known_ || (mending_ && !mending_->settled())) return false;
  const dialect::KnownEvents::Known* const known = known_->find(data, like_);
  if (known == nullptr || (mending_ && !mending_->follow(known->trace))) return false;
  facts = known->facts;
  if (look_for_finish_ && known->finishes) finished_ = true;
  return true;
}

bool Stream::wanted(const dialect::openai::EventFacts& facts, Output& out) {
  if (facts.usage) usage_ = *facts.usage;
  if (facts.content && most_ > 0 && usage_.completion_tokens > most_) left_ = 0;
  if (facts.content && !count_token(data_, out)) return false;
  if (facts.done) {
    done_ = true;
    before_ = missing_end();
    out.end = End::complete;
  }
  if (facts.error) out.end = End::model_error;
  if (transcript_ != nullptr) {
    if (facts.error) return false;
    transcript_->add(data_);
  }
  return !(facts.usage_only && usage_events_ == UsageEvents::hidden);
}

// The event's data as they should be; block_ has them too. Empty: it is left out.
std::string_view Stream::mended(const net::SseEvent& event) {
  if (!mending_) return event.data;
  const std::string_view data = mending_->mend(event.data);
  if (data.empty() || data.data() == event.data.data()) return data;
  block_ = mending_->block(data);
  return data;
}

// A chunk for each.
void Stream::send_before(Writing& writing) {
  constexpr std::string_view kBlankLine = "\n\n";
  while (!before_.empty()) {
    const std::size_t size = before_.find(kBlankLine) + kBlankLine.size();
    send(before_.substr(0, size), writing);
    before_.remove_prefix(size);
  }
}

// What the stream lacks before [DONE]: a reason, the counts.
std::string_view Stream::missing_end() {
  if (!mending_) return {};
  const bool counts = usage_events_ == UsageEvents::shown && usage_.source == llm::UsageSource::none;
  const std::uint64_t events = (most_ > 0 ? most_ : kUnlimited) - left_;
  return mending_->missing_end(counts ? std::optional{events} : std::nullopt);
}

void Stream::mend_end(Writing& writing) {
  if (!mending_ || !mending_->adds_done()) return;
  before_ = missing_end();
  send_before(writing);
  send(mending_->missing_done(), writing);
}

// Only the event that is one too many ends the answer: until then the model may end it, with its own counts.
bool Stream::count_token(std::string_view event, Output& out) {
  if (left_ == 0) {
    out.end = End::too_long;
    out.last = event;
    return false;
  }
  --left_;
  ++out.events;
  return true;
}

// Models forget the last blank line: what was complete without it is an event all the same.
void Stream::take_rest(Writing& writing) {
  if (conversion_) return convert_rest(writing);
  for (;;) {
    const net::SseReader::Step step = reader_.finish();
    if (step.state != net::SseReader::State::event) return;
    if (!wanted(step.event, writing.out)) continue;
    if (kept_ != nullptr && !data_.empty()) kept_->event(data_);
    send_before(writing);
    send(block_, writing);
  }
}

Stream::Output Stream::finish(const net::BodyDecoder& decoder, std::string& scratch) {
  scratch.clear();
  Writing writing{.out = {}, .scratch = scratch, .as_it_is = false};
  // A connection that breaks leaves a line that may be cut in half; one that ends a body leaves a whole one.
  if (decoder.may_close_here()) take_rest(writing);
  if (writing.out.end == End::open && decoder.may_close_here() && finished_ && !done_) mend_end(writing);
  Output out = writing.out;
  out.bytes = scratch;
  // A body that ends with its connection says nothing about being whole; [DONE] or a finish_reason does.
  if (out.end == End::open) out.end = decoder.may_close_here() && (done_ || finished_) ? End::complete : End::malformed;
  return out;
}

}  // namespace intragate::pipeline
