// Where an API laid over chat (dialect/front.h) meets the data path: at its two ends, where the client's bytes come in
// and go out. Everything between sees a chat call. Owner: functions of an exchange; Fronting: one stream. Thread:
// one loop. Does not: know any API.
#pragma once

#include <string>
#include <string_view>

#include "dialect/front_stream.h"
#include "net/memory.h"
#include "pipeline/stream.h"

namespace intragate::pipeline {

struct Exchange;

// The client's request becomes the exchange's chat request. Errors: of Front::request. REQUIRES: x.front.
[[nodiscard]] Result<Unit> ask_in_chat(Exchange& x);

// The chat answer that was collected becomes one of the client's API, also one that refuses. Errors:
// upstream_malformed. REQUIRES: x.front.
[[nodiscard]] Result<Unit> answer_in_front(Exchange& x);

// A chat stream becomes one of the client's API. What goes in was not framed: see framed().
class Fronting {
 public:
  explicit Fronting(const Exchange& x);

  // `out` is a plain stream's; its bytes (framed now, valid until the next call) and payload change.
  void rewrite(const Exchange& x, Stream::Output& out);

 private:
  dialect::FrontStream stream_;
  std::string blocks_;
  std::string framed_;
  net::Held held_;  // these, and what the front keeps
};

// An event on its way to the client: a chunk of its own, or as it is where the front has yet to read it.
[[nodiscard]] std::string framed(const Exchange& x, std::string_view event);

// What tells a client of a stream that it still waits. A block.
[[nodiscard]] std::string heartbeat(Exchange& x, std::string_view words);

// An error in the client's API.
[[nodiscard]] std::string error_body(const Exchange& x, const Error& error);
[[nodiscard]] std::string error_event(Exchange& x, const Error& error);

// No other attempt can follow: the request's memory is free.
void release_request(Exchange& x);

}  // namespace intragate::pipeline
