// Where repairs and `reasoning` of the OpenAI dialect meet the data path. Owner: Mending: one stream, none where
// neither is wanted. Thread: one loop. Does not: know what is wrong with an answer (dialect/openai_mend.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/openai_mend.h"
#include "dialect/openai_reasoning.h"

namespace intragate::pipeline {

struct Attempt;
struct Exchange;

// What one mended stream keeps.
class Mending {
 public:
  enum class Repair : bool { off, on };
  // `prompt_tokens`: for counts that are missing.
  Mending(dialect::openai::Mender mender, Repair repair, dialect::Reasoning reasoning, std::uint64_t prompt_tokens);

  // The event as it should be: `data` itself, or bytes of this object until the next call; empty: left out.
  [[nodiscard]] std::string_view mend(std::string_view data);
  // Events that are like earlier ones but for their text may pass unseen.
  [[nodiscard]] bool settled() const { return !reasoning_ || reasoning_->settled(); }
  // For known events (dialect/known_events.h): what the last one left behind, and another one like one that left that.
  [[nodiscard]] dialect::openai::Mender::Trace trace() const {
    return repair_ ? mender_.trace() : dialect::openai::Mender::Trace{};
  }
  [[nodiscard]] bool follow(const dialect::openai::Mender::Trace& trace) { return !repair_ || mender_.follow(trace); }
  // As a block: "data: …\n\n". Valid until the next call.
  [[nodiscard]] std::string_view block(std::string_view data);
  // What is missing before [DONE], as blocks; else empty. `events`: with content, of a stream that has to show its
  // counts and did not.
  [[nodiscard]] std::string_view missing_end(std::optional<std::uint64_t> events);
  // [DONE] itself is to be added: some choice had a finish_reason, which shows that the answer is whole.
  [[nodiscard]] bool adds_done() const {
    return repair_ && mender_.finished() && !mender_.leaves(dialect::openai::Repair::done);
  }
  [[nodiscard]] std::string_view missing_done();  // REQUIRES: adds_done()

  [[nodiscard]] const dialect::openai::Repairs& repairs() const { return mender_.repairs(); }

 private:
  dialect::openai::Mender mender_;
  std::unique_ptr<dialect::openai::EventReasoning> reasoning_;  // none: thoughts stay as they are
  std::uint64_t prompt_tokens_;
  bool repair_;
  std::string block_;
};

// Nothing: the stream passes as it is.
[[nodiscard]] std::unique_ptr<Mending> mending_of(const Exchange& x);

// Whether this is a stream that nobody asked for: it is collected, and becomes one answer.
[[nodiscard]] bool is_to_be_whole(const Exchange& x, const Attempt& a);

// The same for an answer that was collected.
void mend_answer(Exchange& x, Attempt& a);

// A whole answer to a call that asked for a stream becomes one, once all that reads it has been there.
void make_events(Exchange& x);

void count_repairs(Exchange& x, const dialect::openai::Repairs& repairs);

}  // namespace intragate::pipeline
