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

std::string_view Mending::mend(std::string_view data) {
  if (openai::inspect_event(data).done) return data;
  const std::string_view rewritten = reasoning_.rewrite(data);
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
  return std::make_unique<Mending>(name_of(x), x.lane->model.repair ? Mending::Repair::on : Mending::Repair::off,
                                   reasoning);
}

void mend_answer(Exchange& x, Attempt& a) {
  Answer& answer = a.answer;
  if (!generates(x) || !answer.collected || !answer.content_encoding.empty()) return;
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
  std::optional<std::string> rewritten = openai::rewrite_answer(answer.owned, reasoning_of(x));
  if (rewritten) answer.owned = *std::move(rewritten);
  if (!x.lane->model.repair) return;
  openai::Mender mender{name_of(x)};
  const std::string_view mended = mender.mend_answer(answer.owned, estimated_prompt(x));
  if (mended.data() != answer.owned.data()) answer.owned = mended;
  answer.held.set(answer.owned.capacity());
  if (mender.repairs().has(openai::Repair::usage)) {
    answer.usage = openai::find_usage(answer.owned);
    if (answer.usage) answer.usage->source = llm::UsageSource::estimated;
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
