#include "pipeline/mending.h"

#include "dialect/openai.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

namespace openai = dialect::openai;

bool generates(const Exchange& x) {
  return x.call.api == llm::Api::chat || x.call.api == llm::Api::completions;
}

dialect::Reasoning reasoning_of(const Exchange& x) {
  return x.call.api == llm::Api::chat ? x.lane->model.reasoning : dialect::Reasoning::as_it_is;
}

}  // namespace

Mending::Mending(const openai::NamedElsewhere& name, Repair repair, dialect::Reasoning reasoning)
    : mender_{name}, repair_{repair == Repair::on} {
  if (reasoning != dialect::Reasoning::as_it_is) {
    reasoning_ = std::make_unique<openai::EventReasoning>(reasoning);
  }
}

std::string_view Mending::mend(std::string_view data) {
  if (openai::is_done(data)) return data;
  const std::string_view rewritten = reasoning_ ? reasoning_->rewrite(data) : data;
  return repair_ && !rewritten.empty() ? mender_.mend_event(rewritten) : rewritten;
}

std::string_view Mending::block(std::string_view data) {
  block_ = "data: ";
  block_ += data;
  block_ += "\n\n";
  return block_;
}

std::string_view Mending::missing_end() {
  if (!repair_) return {};
  const std::string event = mender_.missing_end();
  return event.empty() ? std::string_view{} : block(event);
}

// Only where a finish_reason shows that the answer is whole.
std::string_view Mending::missing_done() {
  if (!repair_ || !mender_.finished()) return {};
  mender_.note(openai::Repair::done);
  return block("[DONE]");
}

std::unique_ptr<Mending> mending_of(const Exchange& x) {
  const dialect::Reasoning reasoning = reasoning_of(x);
  const bool idle = !x.lane->model.repair && reasoning == dialect::Reasoning::as_it_is;
  if (x.converter != nullptr || !generates(x) || idle) return nullptr;
  return std::make_unique<Mending>(named_in(x), x.lane->model.repair ? Mending::Repair::on : Mending::Repair::off,
                                   reasoning);
}

void mend_answer(Exchange& x, Attempt& a) {
  Answer& answer = a.answer;
  if (!generates(x) || !answer.collected || !answer.content_encoding().empty()) return;
  openai::Repairs repairs;
  if (answer.head.status >= 400 && x.lane->model.repair) {
    std::optional<std::string> refusal = openai::mend_refusal(answer.head.status, answer.owned);
    if (!refusal) return;
    answer.owned = *std::move(refusal);
    answer.content_type = "application/json";
    repairs.add(openai::Repair::error);
    return count_repairs(x, repairs);
  }
  if (answer.head.status < 200 || answer.head.status >= 300) return;
  const dialect::Reasoning reasoning = reasoning_of(x);
  dialect::KnownAnswers& known = x.worker.state_of(*x.lane).answers;
  const bool as_it_is = reasoning == dialect::Reasoning::as_it_is;
  if (as_it_is) answer.usage = known.usage_in(x.call.api, answer.owned);
  if (answer.usage) return;  // like others that were well
  std::optional<std::string> rewritten = openai::rewrite_answer(answer.owned, reasoning);
  if (rewritten) answer.owned = *std::move(rewritten);
  if (!x.lane->model.repair) return;
  openai::Mender mender{named_in(x)};
  const std::string_view mended = mender.mend_answer(answer.owned, estimated_prompt(x));
  if (mended.data() != answer.owned.data()) answer.owned = mended;
  answer.held.set(answer.owned.capacity());
  answer.usage = openai::find_usage(answer.owned);
  if (answer.usage && mender.repairs().has(openai::Repair::usage)) {
    answer.usage->source = llm::UsageSource::estimated;
  } else if (answer.usage && as_it_is && mender.is_well()) {
    known.learn(x.call.api, answer.owned, *answer.usage);
  }
  count_repairs(x, mender.repairs());
}

void count_repairs(Exchange& x, const openai::Repairs& repairs) {
  for (std::size_t i = 0; repairs.any() && i < openai::kRepairs; ++i) {
    const auto repair = static_cast<openai::Repair>(i);
    if (!repairs.has(repair)) continue;
    x.worker.metrics().counter(metrics::Metric::repairs, {x.lane->name, openai::repair_name(repair)}).add();
  }
}

}  // namespace intragate::pipeline
