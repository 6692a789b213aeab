#include "pipeline/mending.h"

#include "dialect/openai.h"
#include "dialect/openai_whole.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

namespace openai = dialect::openai;

bool generates(const Exchange& x) {
  return x.call.api == llm::Api::chat || x.call.api == llm::Api::completions;
}

void append_block(std::string& to, std::string_view data) {
  to += "data: ";
  to += data;
  to += "\n\n";
}

dialect::Reasoning reasoning_of(const Exchange& x) {
  return x.call.api == llm::Api::chat ? x.lane->model.reasoning : dialect::Reasoning::as_it_is;
}

openai::Mender mender_of(const Exchange& x) {
  return openai::Mender{named_in(x), x.lane->left_alone};
}

bool mends(const Exchange& x, openai::Repair repair) {
  return x.lane->model.repair && !x.lane->left_alone.has(repair);
}

void mend_refused(Exchange& x, Attempt& a) {
  if (!mends(x, openai::Repair::error)) return;
  std::optional<std::string> refusal = openai::mend_refusal(a.answer.head.status, a.answer.owned);
  if (!refusal) return;
  a.answer.owned = *std::move(refusal);
  a.answer.content_type = "application/json";
  openai::Repairs repairs;
  repairs.add(openai::Repair::error);
  count_repairs(x, repairs);
}

// Of one part of a long list (parts.h), what that part is.
std::uint64_t estimated_inputs(const Exchange& x) {
  return x.rebuilt.empty() ? estimated_prompt(x) : estimated_prompt(x.rebuilt.size(), x.lane->model.context_window);
}

void mend_vectors(Exchange& x, Attempt& a) {
  Answer& answer = a.answer;
  answer.usage = openai::find_usage(answer.owned);
  if (!x.lane->model.repair || (answer.usage && openai::is_usual_list(answer.owned))) return;
  openai::Mender mender = mender_of(x);
  const std::string_view mended = mender.mend_embeddings(answer.owned, estimated_inputs(x));
  if (mended.data() == answer.owned.data()) return;
  answer.owned = mended;
  answer.held.set(answer.owned.capacity());
  if (!answer.usage) answer.usage = openai::find_usage(answer.owned);
  if (mender.repairs().has(openai::Repair::usage)) answer.usage->source = llm::UsageSource::estimated;
  count_repairs(x, mender.repairs());
}

void mend_whole(Exchange& x, Attempt& a) {
  Answer& answer = a.answer;
  const dialect::Reasoning reasoning = reasoning_of(x);
  dialect::KnownAnswers& known = x.worker.state_of(*x.lane).answers;
  const bool as_it_is = reasoning == dialect::Reasoning::as_it_is;
  if (as_it_is) answer.usage = known.usage_in(x.call.api, answer.owned);
  if (answer.usage) return;  // like others that were well
  std::optional<std::string> rewritten = openai::rewrite_answer(answer.owned, reasoning);
  if (rewritten) answer.owned = *std::move(rewritten);
  if (!x.lane->model.repair) return;
  openai::Mender mender = mender_of(x);
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

void note_form(Exchange& x) {
  openai::Repairs repairs;
  repairs.add(openai::Repair::object);
  count_repairs(x, repairs);
}

// Of a stream that nobody asked for.
void make_whole(Exchange& x, Attempt& a) {
  std::optional<std::string> whole = openai::whole_of_events(named_in(x), mender_of(x), a.answer.owned);
  if (!whole) return;
  a.answer.owned = *std::move(whole);
  a.answer.held.set(a.answer.owned.capacity());
  a.answer.content_type = "application/json";
  note_form(x);
}

}  // namespace

Mending::Mending(openai::Mender mender, Repair repair, dialect::Reasoning reasoning, std::uint64_t prompt_tokens)
    : mender_{std::move(mender)}, prompt_tokens_{prompt_tokens}, repair_{repair == Repair::on} {
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
  block_.clear();
  append_block(block_, data);
  return block_;
}

std::string_view Mending::missing_end(std::optional<std::uint64_t> events) {
  if (!repair_) return {};
  block_.clear();
  if (const std::string end = mender_.missing_end(); !end.empty()) append_block(block_, end);
  if (!events) return block_;
  const std::string counts = mender_.missing_usage({prompt_tokens_, *events, llm::UsageSource::counted});
  if (!counts.empty()) append_block(block_, counts);
  return block_;
}

std::string_view Mending::missing_done() {
  mender_.note(openai::Repair::done);
  return block("[DONE]");
}

std::unique_ptr<Mending> mending_of(const Exchange& x) {
  const dialect::Reasoning reasoning = reasoning_of(x);
  const bool idle = !x.lane->model.repair && reasoning == dialect::Reasoning::as_it_is;
  if (x.converter != nullptr || !generates(x) || idle) return nullptr;
  return std::make_unique<Mending>(mender_of(x), x.lane->model.repair ? Mending::Repair::on : Mending::Repair::off,
                                   reasoning, estimated_prompt(x));
}

bool is_to_be_whole(const Exchange& x, const Attempt& a) {
  return a.converter == nullptr && x.call.api == llm::Api::chat && x.call.stream == llm::Stream::no &&
         mends(x, openai::Repair::object) && openai::is_event_stream(a.answer.content_type);
}

void mend_answer(Exchange& x, Attempt& a) {
  Answer& answer = a.answer;
  const bool vectors = x.call.api == llm::Api::embeddings;
  if (!(generates(x) || vectors) || !answer.collected || !answer.content_encoding().empty()) return;
  if (answer.head.status >= 400) return mend_refused(x, a);
  if (answer.head.status < 200 || answer.head.status >= 300) return;
  if (vectors) return mend_vectors(x, a);
  if (is_to_be_whole(x, a)) make_whole(x, a);
  mend_whole(x, a);
}

void make_events(Exchange& x) {
  const bool good = x.answer.head.status >= 200 && x.answer.head.status < 300 && !x.answer.packed();
  if (x.converter != nullptr || x.front || !good || !mends(x, openai::Repair::object)) return;
  const auto usage = x.usage_hidden ? openai::ShowUsage::no : openai::ShowUsage::yes;
  std::optional<std::string> events = openai::events_of_whole(named_in(x), x.answer.owned, usage);
  if (!events) return;
  x.answer.owned = *std::move(events);
  x.answer.held.set(x.answer.owned.capacity());
  x.answer.content_type = "text/event-stream";
  note_form(x);
}

void count_repairs(Exchange& x, const openai::Repairs& repairs) {
  for (std::size_t i = 0; repairs.any() && i < openai::kRepairs; ++i) {
    const auto repair = static_cast<openai::Repair>(i);
    if (!repairs.has(repair)) continue;
    x.worker.metrics().counter(metrics::Metric::repairs, {x.lane->name, openai::repair_name(repair)}).add();
  }
}

}  // namespace intragate::pipeline
