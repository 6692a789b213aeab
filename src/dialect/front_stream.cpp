#include "dialect/front_stream.h"

#include "dialect/openai_delta.h"

namespace intragate::dialect {
namespace {

constexpr int kModelFailed = 500;

}  // namespace

Told told_by_model(int status, std::string_view words) {
  return {.status = status,
          .type = status < kModelFailed ? "invalid_request_error" : "upstream_error",
          .code = "upstream_status",
          .message = words.empty() ? "The model refused this request." : words};
}

void FrontStream::take_event(std::string_view data, std::string& out) {
  said_.clear();
  openai::read_event(data, said_);
  if (said_.malformed) return;
  if (said_.done) {
    front_.end(out);
  } else if (said_.failed) {
    front_.fail(told_by_model(kModelFailed, said_.error), out);
  } else {
    front_.event(said_, out);
  }
  ended_ = said_.done || said_.failed;
}

void FrontStream::take(std::string_view bytes, std::string& out) {
  while (!ended_) {
    const net::SseReader::Step step = reader_.step(bytes);
    bytes.remove_prefix(step.consumed);
    if (step.state != net::SseReader::State::event) return;
    if (step.event.kind == net::SseEvent::Kind::comment) {
      out += step.event.bytes;
    } else {
      take_event(step.event.data, out);
    }
  }
}

void FrontStream::finish(std::string& out) {
  if (ended_) return;
  ended_ = true;
  front_.end(out);
}

}  // namespace intragate::dialect
