// Turns what a model streams into what the client gets: one HTTP chunk for each event, in the form every client reads,
// usage events hidden from whom did not ask. Bytes already in that form are passed as they lie in the read buffer.
// Owner: relay, one per stream. Thread: one loop. Does not: read or write sockets, know deadlines.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "dialect/known_events.h"
#include "dialect/openai_continue.h"
#include "llm/usage.h"
#include "metrics/series.h"
#include "net/body_decoder.h"
#include "net/sse.h"
#include "pipeline/transcript.h"

namespace intragate::pipeline {

struct Conversion;
class Mending;

class Stream {
 public:
  enum class Framing : std::uint8_t { chunked, plain };  // plain: until close, for HTTP/1.0 clients
  enum class UsageEvents : std::uint8_t { shown, hidden };

  // `most`: the tokens an answer may have, events with content where the model does not count; 0: as many as it likes.
  Stream(Framing framing, UsageEvents usage, std::uint64_t most = 0);
  // `conversion`: how the model speaks; nothing: as the client does. `mending`: what is put right in that case.
  Stream(Framing framing, UsageEvents usage, std::uint64_t most, std::unique_ptr<Conversion> conversion,
         std::unique_ptr<Mending> mending);
  ~Stream();

  // From now on `transcript` gets to know every event that goes to the client; a model's error event does not go there,
  // because the answer may go on elsewhere. Outlives the stream.
  void tell(dialect::openai::Transcript& transcript) { transcript_ = &transcript; }

  // Why a stream's bytes end here.
  enum class End : std::uint8_t {
    open,         // more is to come
    complete,     // [DONE], or the body's end where that is an end
    too_long,     // the answer has all the tokens it may have, and `last` would be one more
    model_error,  // an error event; nothing after it counts
    malformed,    // broken chunked coding, or an event without end
  };
  struct Output {
    std::string_view bytes;    // for the client: in the input or in `scratch`
    std::size_t payload = 0;   // of them, body bytes (without chunk framing)
    std::size_t consumed = 0;  // of the input
    End end = End::open;
    bool body_ended = false;   // the answer's body is over: its connection can serve again
    std::uint32_t events = 0;  // with content
    std::string_view last;     // too_long: that event's data, in the input or in this stream, until the next call
  };
  // Takes what the read buffer holds. `scratch` is overwritten.
  Output take(std::string_view input, net::BodyDecoder& decoder, std::string& scratch);
  // The model's connection ended: what is left of the last event (if it is whole), and whether this was a proper end.
  Output finish(const net::BodyDecoder& decoder, std::string& scratch);

  // Events like these need not be read; and other streams learn what is like this one's.
  void know(std::shared_ptr<dialect::KnownEvents> events) { known_ = std::move(events); }

  // Shows every event that the client gets to `transcript` too; null: nothing is kept.
  void keep(Transcript* transcript) { kept_ = transcript; }

  [[nodiscard]] const llm::Usage& usage() const { return usage_; }
  [[nodiscard]] const Mending* mending() const { return mending_.get(); }

 private:
  struct Writing;  // an Output being made
  void take_piece(const net::BodyDecoder::Step& piece, Writing& writing);
  void take_rest(Writing& writing);
  void send(std::string_view block, Writing& writing) const;
  void send_before(Writing& writing);
  void mend_end(Writing& writing);
  [[nodiscard]] std::string_view missing_end();
  std::string_view mended(const net::SseEvent& event);
  void add(std::string_view block, Writing& writing) const;
  bool wanted(const net::SseEvent& event, Output& out);
  bool wanted(const dialect::openai::EventFacts& facts, Output& out);
  bool is_known(std::string_view data, dialect::openai::EventFacts& facts);
  bool count_token(std::string_view event, Output& out);
  // stream_convert.cpp
  void convert_piece(std::string_view data, Writing& writing);
  void convert_rest(Writing& writing);
  void convert_event(std::string_view data, Writing& writing);
  void end_conversion(Writing& writing);
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  std::unique_ptr<Conversion> conversion_;
  std::unique_ptr<Mending> mending_;
  std::string_view block_;   // of the last event that was wanted
  std::string_view data_;    // in it; empty: a comment
  std::string_view before_;  // what has to go out before it, blocks of the mending
  dialect::openai::Transcript* transcript_ = nullptr;
  net::SseReader reader_;
  std::shared_ptr<dialect::KnownEvents> known_;
  llm::Usage usage_;
  Framing framing_;
  UsageEvents usage_events_;
  std::uint64_t most_;
  std::uint64_t left_;     // events with content that it may still have
  std::uint8_t like_ = 0;  // which of the known events the last one was like
  bool seen_ = false;      // some event
  bool done_ = false;
  bool finished_ = false;  // some choice had a finish_reason; looked for only where the end of the body is no sign
  bool look_for_finish_ = false;
  Transcript* kept_ = nullptr;
};

}  // namespace intragate::pipeline
