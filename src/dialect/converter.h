// How one endpoint speaks: what goes out and what comes back, where a dialect is not the client's own. Pure: const
// functions over bytes and plain data (llm/request.h, llm/delta.h); no I/O, no clock, no state.
// Owner: the lane (pipeline/snapshot.h), one for each endpoint, made with the snapshot. Thread: any, at the same time.
// A dialect is one file that makes one of these, and its row in converter.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"
#include "dialect/tool_text.h"
#include "llm/delta.h"
#include "llm/request.h"
#include "net/event_reader.h"

namespace intragate::dialect {

struct Sending {
  std::string path;  // behind the endpoint's own
  std::string body;
  std::string headers{};             // further lines, each with its CRLF; never shown: they may hold secrets
  std::string_view method = "POST";  // lives as long as the converter
  ToolsAsked tools{};                // those that the answer's text may call
};

class Converter {
 public:
  Converter() = default;
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  virtual ~Converter() = default;

  // Errors: invalid_request for what this interface cannot do, said so that the caller can mend it.
  [[nodiscard]] virtual Result<Sending> request(const llm::Request& request) const = 0;
  // `into` is clear. Foreign bytes: whatever is not this dialect's is `malformed`.
  virtual void event(llm::Api api, std::string_view data, llm::Delta& into) const = 0;
  virtual void answer(llm::Api api, std::string_view body, llm::Delta& into) const = 0;
  // A refusal in the model's words, for the caller; empty: it says nothing that can be read.
  [[nodiscard]] virtual std::string refusal(std::string_view body) const = 0;

  [[nodiscard]] virtual net::EventFraming framing() const = 0;
  // Whether a stream says itself when it is over: one that ends without has been cut off.
  [[nodiscard]] virtual bool says_done() const { return true; }
};

// A row of the table of dialects.
struct Row {
  std::string_view name;
  // Nothing: the client's bytes are passed on. Errors: invalid_configuration.
  Result<std::unique_ptr<const Converter>> (*make)(const config::Endpoint& endpoint);
  std::string_view models_path;  // where a list of models or at least a sign of life is
};
[[nodiscard]] const Row& dialect_row(std::string_view name);  // REQUIRES: one that the configuration allows

}  // namespace intragate::dialect
