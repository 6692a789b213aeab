// Another API for clients, laid over OpenAI's chat: its request becomes a chat request, what the model says becomes its
// answer. In between a call is a chat call like any other, so that limits, repairs, retries and the dialects towards
// models hold for it as they are. Pure: bytes and plain data; no I/O, no clock.
// Owner: the exchange, which has one only where its URL belongs to such an API. Thread: one loop. Used once: request(),
// then begin(), then either answer() or event() again and again and end() or fail().
// Does not: frame HTTP, read what models say (openai_delta.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/result.h"
#include "dialect/openai_write.h"
#include "llm/call.h"
#include "llm/delta.h"

namespace intragate::dialect {

// What went wrong, as clients are told: an error of the gateway's, or of the model in its own words.
struct Told {
  int status = 0;
  std::string_view type;  // OpenAI's words
  std::string_view code;
  std::string_view message;
};
[[nodiscard]] Told told(const Error& error);  // points into `error`

class Front {
 public:
  Front() = default;
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;
  virtual ~Front() = default;

  // The chat request that asks for the same. Errors: invalid_json, invalid_request.
  [[nodiscard]] virtual Result<std::string> request(std::string_view body) = 0;
  // What the answer is called; `prompt`: tokens, an estimate until the model has counted.
  virtual void begin(const openai::AnswerName& name, std::uint64_t prompt) = 0;

  // Each appends whole blocks of the event stream, or nothing.
  virtual void event(llm::Delta& said, std::string& out) = 0;
  virtual void end(std::string& out) = 0;
  virtual void fail(const Told& error, std::string& out) = 0;  // the stream ends here
  virtual void heartbeat(std::string_view words, std::string& out) = 0;

  // Bytes of the answer that the stream keeps, because its end says them again.
  [[nodiscard]] virtual std::size_t kept() const { return 0; }

  [[nodiscard]] virtual std::string answer(llm::Delta& said) = 0;
  // < 1 KB, no line break.
  [[nodiscard]] virtual std::string error(const Told& error, std::string_view request_id) const = 0;
};

// Nothing where the API is one that models speak themselves.
[[nodiscard]] std::unique_ptr<Front> front_of(llm::Api api);

}  // namespace intragate::dialect
