// Where another dialect meets the data path: the request on its way to the model, the answer on its way back. Used only
// where an endpoint has a converter; all other bytes pass as they are. Owner: functions of an attempt; Conversion: one
// stream. Thread: one loop. Does not: know any dialect (dialect/), read or write sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dialect/converter.h"
#include "dialect/openai_write.h"
#include "dialect/reasoning.h"
#include "dialect/tool_text.h"
#include "llm/delta.h"
#include "net/event_reader.h"
#include "pipeline/snapshot.h"

namespace intragate::pipeline {

struct Attempt;
struct Exchange;

// What one converted stream keeps.
struct Conversion {
  Conversion(const dialect::Converter& from, const dialect::openai::AnswerName& name, std::uint64_t prompt_tokens,
             dialect::Reasoning reasoning = dialect::Reasoning::as_it_is, dialect::ToolsAsked asked = {})
      : converter{from},
        api{name.api},
        reader{from.framing()},
        writer{name},
        filter{reasoning},
        tools{std::move(asked)},
        prompt_estimate{prompt_tokens} {}

  const dialect::Converter& converter;  // lives in the snapshot
  llm::Api api;
  net::EventReader reader;
  dialect::openai::ChunkWriter writer;
  dialect::ReasoningFilter filter;
  dialect::ToolText tools;
  std::uint64_t prompt_estimate;  // where the model does not count
  std::uint64_t events = 0;       // with content
  llm::Delta delta{};
  std::string event{};  // the last one for the client
};

// What the call's answer is called in all its events.
[[nodiscard]] dialect::openai::AnswerName name_of(const Exchange& x);
[[nodiscard]] dialect::openai::NamedElsewhere named_in(const Exchange& x);  // while it has this call

// Of the endpoint's converter; nothing: the stream passes as it is.
[[nodiscard]] std::unique_ptr<Conversion> conversion_of(const Exchange& x, const Attempt& a);

// What an answer that the gateway ends by itself has cost so far: as the model said, or by what was relayed.
[[nodiscard]] llm::Usage usage_so_far(const Exchange& x);

// A call of the OpenAI dialect, as the client sent it and when.
struct Asking {
  const llm::Call& call;
  std::string_view body;
  WallTime now;
};

// What the endpoint gets. Errors: invalid_request.
[[nodiscard]] Result<dialect::Sending> convert_request(const Lane& lane, const upstream::Endpoint& endpoint,
                                                       const dialect::Converter& converter, const Asking& asking);
// The same for a call. REQUIRES: a.converter.
[[nodiscard]] Result<dialect::Sending> convert_request(const Exchange& x, const Attempt& a);

// The answer that was collected becomes one in the client's dialect. Errors: upstream_malformed. REQUIRES: a.converter.
[[nodiscard]] Result<Unit> convert_answer(Exchange& x, Attempt& a);

// The most that an answer which must be converted may have.
inline constexpr std::size_t kConvert = std::size_t{32} * 1024 * 1024;

}  // namespace intragate::pipeline
