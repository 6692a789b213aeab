// Takes tool calls out of the text of models that write them there, in the form that their chat template taught them:
// of a whole answer or of a stream, whose pieces may end anywhere. What cannot become a call any more is text again, as
// the model wrote it. Owner: one answer. Thread: any (pure).
// Does not: hold more than kLongest bytes back, nor look at more than kMostCalls: a call that is longer, or one too
// many, stays text, and so does what follows. Takes time linear in the text, however it is cut. Rule: Qwen "Function
// Calling" (hermes), the model cards of Llama 3.1, Mistral's instruct tokenizers, DeepSeek V3, R1 and V3.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "dialect/json_end.h"
#include "llm/delta.h"
#include "llm/request.h"

namespace intragate::dialect {

// The tools that a request tells a model of, and the form in which its text may call them.
struct ToolsAsked {
  config::ToolCalls form = config::ToolCalls::none;
  std::vector<std::string> names{};
};

// The form of an endpoint's models: as configured, or as their chat template writes calls. Never `automatic`.
[[nodiscard]] config::ToolCalls tool_form(const config::Endpoint& endpoint);
// Of one request; `none` where it wants no tools used.
[[nodiscard]] ToolsAsked tools_asked(config::ToolCalls form, const llm::Request& request);

class ToolText {
 public:
  static constexpr std::size_t kLongest = std::size_t{256} * 1024;
  static constexpr std::size_t kMostCalls = 1024;  // with what is marked as one and is none

  explicit ToolText(ToolsAsked asked) : asked_{std::move(asked)} {}

  // Moves calls from `delta.text` to `delta.tools`. `last`: nothing follows, so nothing may be held back.
  enum class Piece : std::uint8_t { more, last };
  void apply(llm::Delta& delta, Piece piece);

 private:
  enum class Where : std::uint8_t { start, text, call, between, over };
  using Calls = std::vector<llm::ToolPiece>;
  bool step(llm::Delta& delta, Piece piece);
  bool step_text(llm::Delta& delta, Piece piece);
  bool step_call(llm::Delta& delta, Piece piece);
  bool step_between(Piece piece);
  void begin_call(std::size_t mark);
  [[nodiscard]] std::optional<std::size_t> call_end(Piece piece);
  [[nodiscard]] std::optional<std::size_t> json_end();
  [[nodiscard]] Calls read_calls(std::string_view call) const;
  [[nodiscard]] std::string_view rest() const { return std::string_view{held_}.substr(done_); }
  void give_text(llm::Delta& delta, std::size_t size);

  ToolsAsked asked_;
  Where where_ = Where::start;
  std::string held_;         // what may be, or may become, a call
  std::size_t done_ = 0;     // bytes of held_ that are said or skipped; they go at the end of apply(), all at once
  std::size_t calls_ = 0;    // begun, or taken out of a list
  std::size_t mark_ = 0;     // bytes of rest() that mark the call under way; 0: it is bare
  std::size_t scanned_ = 0;  // of rest(), while a call's beginning or end is looked for
  JsonEnd json_;             // of the call there
};

}  // namespace intragate::dialect
