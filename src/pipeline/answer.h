// What a model answered, as far as it is known before it goes to the client. Owner: an attempt. Thread: one loop.
// Does not: read or write.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llm/usage.h"
#include "net/body_decoder.h"
#include "net/memory.h"

namespace intragate::pipeline {

// The model's answer as dispatch leaves it for relay: head read, first bytes of the body in the connection's buffer or,
// when the whole body was collected, in `owned`.
struct Answer {
  net::ResponseHead head;
  std::string content_type;
  // What most models do not say: null.
  struct Seldom {
    std::string content_encoding;
    std::string retry_after;
    std::string request_id;  // the model's own, for the log
  };
  std::unique_ptr<Seldom> seldom;
  [[nodiscard]] std::string_view content_encoding() const {
    return seldom ? std::string_view{seldom->content_encoding} : std::string_view{};
  }
  [[nodiscard]] std::string_view retry_after() const {
    return seldom ? std::string_view{seldom->retry_after} : std::string_view{};
  }
  [[nodiscard]] std::string_view request_id() const {
    return seldom ? std::string_view{seldom->request_id} : std::string_view{};
  }
  // In any coding that is not just the bytes.
  [[nodiscard]] bool packed() const { return !content_encoding().empty() && content_encoding() != "identity"; }
  bool event_stream = false;
  bool collected = false;
  std::string owned;
  std::optional<llm::Usage> usage;          // collected, where it is known already
  net::Held held;                           // counts `owned`
  std::optional<net::BodyDecoder> decoder;  // where the rest of the body stands
};

}  // namespace intragate::pipeline
