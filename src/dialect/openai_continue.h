// An answer that broke off, to be continued by another model: the request that asks for the rest, and the rest's events
// as those of the first answer. Pure functions over bytes, for models[].continue_on_failure. No I/O, no clock.
// Source: vLLM and SGLang (`continue_final_message`), llama.cpp (a last message of the assistant is gone on from).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "llm/call.h"
#include "llm/usage.h"

namespace intragate::dialect::openai {

// Adds up what the events of an answer have said. What another model could not go on from ends it: tool calls,
// reasoning, logprobs, a second choice, a finish_reason, more than kMost bytes.
class Transcript {
 public:
  static constexpr std::size_t kMost = std::size_t{256} * 1024;

  explicit Transcript(llm::Api api) : api_{api} {}
  // `data`: the JSON of an event that goes to the client, or [DONE].
  void add(std::string_view data);

  // Whether the answer could go on elsewhere.
  [[nodiscard]] bool possible() const { return possible_; }
  // As written in JSON, without the quotes around it.
  [[nodiscard]] const std::string& text() const { return text_; }

  // An event of the rest as one of this answer: with its id, created and model; the opening one is left out (empty).
  // `given`: tokens that the rest's prompt has as part of the answer: usage is that of the whole.
  [[nodiscard]] std::string as_one_of_this(std::string_view data, std::uint64_t given) const;

 private:
  void give_up();
  void read_choice(std::string_view data, std::size_t offset);
  void read_delta(std::string_view data, std::size_t offset);

  llm::Api api_;
  bool possible_ = true;
  bool begun_ = false;
  std::string text_;
  // Raw values of the first event; empty: it has none.
  std::string id_;
  std::string created_;
  std::string model_;
  std::string fingerprint_;
};

// The body that asks for the rest of an answer that has `text` (raw) and `given` tokens so far. Nothing: that cannot be
// asked for, because of the request (several choices, logprobs, constrained output, a last message that is the
// assistant's already, a prompt that is no text) or because nothing may follow.
[[nodiscard]] std::optional<std::string> ask_for_rest(const llm::Call& call, std::string_view body,
                                                      std::string_view text, std::uint64_t given);

// The counts of the whole, from those of the rest.
[[nodiscard]] llm::Usage usage_of_whole(const llm::Usage& rest, std::uint64_t given);

}  // namespace intragate::dialect::openai
