// Where repairs and `reasoning` of the OpenAI dialect meet the data path. Owner: Mending: one stream, none where
// neither is wanted. Thread: one loop. Does not: know what is wrong with an answer (dialect/openai_mend.h).
#pragma once

#include <memory>
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
  Mending(const dialect::openai::NamedElsewhere& name, Repair repair, dialect::Reasoning reasoning);

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
  // What is missing before [DONE], as a block; else empty.
  [[nodiscard]] std::string_view missing_end();
  [[nodiscard]] std::string_view missing_done();

  [[nodiscard]] const dialect::openai::Repairs& repairs() const { return mender_.repairs(); }

 private:
  dialect::openai::Mender mender_;
  std::unique_ptr<dialect::openai::EventReasoning> reasoning_;  // none: thoughts stay as they are
  bool repair_;
  std::string block_;
};

// Nothing: the stream passes as it is.
[[nodiscard]] std::unique_ptr<Mending> mending_of(const Exchange& x);

// The same for an answer that was collected.
void mend_answer(Exchange& x, Attempt& a);

void count_repairs(Exchange& x, const dialect::openai::Repairs& repairs);

}  // namespace intragate::pipeline
