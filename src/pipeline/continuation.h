// A stream that broke off and goes on at another endpoint (models[].continue_on_failure): the text so far is kept, the
// rest is asked for with it, and its events are written as those of the answer the client has begun to read.
// Owner: relay_stream, one for a stream of such a model. Thread: one loop. Does not: choose endpoints or retry
// (dispatch.cpp does), know dialects (dialect/openai_continue.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/openai_continue.h"
#include "net/memory.h"
#include "net/sse.h"
#include "net/task.h"
#include "pipeline/exchange.h"
#include "pipeline/stream.h"

namespace intragate::pipeline {

class Continuation {
 public:
  explicit Continuation(Exchange& x);

  // What a stream is to tell what it passes on.
  [[nodiscard]] dialect::openai::Transcript& transcript() { return transcript_; }
  // Whether the request is still needed.
  [[nodiscard]] bool possible() const { return transcript_.possible(); }
  // Whether this is the rest of an answer by now.
  [[nodiscard]] bool continued() const { return parts_ > 1; }
  // Counts what is kept. After every piece.
  void account() { held_.set(transcript_.text().capacity()); }

  // The stream broke off with this error. Tokens that it has given stand in x.usage or x.events. True: another endpoint
  // has begun to give the rest. False: the error it broke off with is for the client. Errors: client_gone.
  [[nodiscard]] net::Task<Result<bool>> go_on(Exchange& x, const Error& broken);

  // Of the rest: its events as the client gets them, framed. `out` is a plain stream's; its bytes and payload change.
  void join(const Exchange& x, Stream::Output& out);
  [[nodiscard]] llm::Usage whole(const llm::Usage& rest) const;
  [[nodiscard]] std::uint64_t given() const { return given_; }

 private:
  bool may_go_on(const Exchange& x, const Error& broken) const;
  bool ask_for_rest(Exchange& x);
  void count(Exchange& x, std::string_view result) const;

  const llm::Call original_;  // of the body as it came
  dialect::openai::Transcript transcript_;
  net::Held held_;
  net::SseReader reader_;
  std::string joined_;
  std::string last_;
  std::uint64_t given_ = 0;          // tokens of the parts that are over
  std::uint64_t events_before_ = 0;  // x.events when this part began
  std::uint32_t parts_ = 1;
};

}  // namespace intragate::pipeline
