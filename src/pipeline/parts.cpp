#include "pipeline/parts.h"

#include "dialect/embeddings.h"
#include "dialect/openai.h"
#include "pipeline/conversion.h"
#include "pipeline/dispatch.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

namespace embeddings = dialect::embeddings;

bool succeeded(const Answer& answer) {
  return answer.head.status >= 200 && answer.head.status < 300;
}

Error in_words(const Exchange& x, Error error) {
  error.message =
      "The model `" + x.lane->name + "` gave an answer that is no list of embeddings; its operator has to look.";
  return error;
}

Error too_long(const Exchange& x) {
  return make_error(Code::upstream_malformed,
                    "The embeddings of the model `" + x.lane->name + "` are more than 32 MiB: ask for fewer at once.");
}

// The request of one part becomes the exchange's.
Result<Unit> ask_for(Exchange& x, const llm::Call& whole, std::span<const llm::Span> inputs) {
  x.rebuilt = embeddings::part_of(whole, x.asked(), inputs);
  Result<llm::Call> call = dialect::openai::understand(llm::Api::embeddings, x.rebuilt);
  if (!call) return std::move(call).error();
  call->user = whole.user;
  x.call = std::move(*call);
  return Unit{};
}

// Errors: what was read is not what was asked for.
Result<Unit> take(const Exchange& x, std::size_t count, embeddings::Collection& into) {
  if (!x.answer.collected) return too_long(x);
  Result<Unit> added = into.add(x.answer.owned, count);
  if (!added) return in_words(x, std::move(added).error());
  if (into.bytes() > kConvert) return too_long(x);
  return Unit{};
}

// What stands in the exchange is the answer to the last part.
void answer_whole(Exchange& x, const embeddings::Collection& all) {
  x.answer.owned = all.answer({});
  x.answer.held.set(x.answer.owned.capacity());
  x.answer.content_type = "application/json";
  llm::Usage usage = all.usage();
  if (x.answer.usage) usage.source = x.answer.usage->source;  // the parts are one model's, or all but one
  if (usage.source != llm::UsageSource::none) x.answer.usage = usage;
}

}  // namespace

bool needs_parts(const Exchange& x) {
  const std::size_t most = x.lane->model.batch_items;
  if (x.call.api != llm::Api::embeddings || most == 0) return false;
  return embeddings::find_inputs(x.call, x.asked()).size() > most;
}

net::Task<Result<Next>> dispatch_parts(Exchange& x) {
  const llm::Call whole = x.call;
  const std::vector<llm::Span> inputs = embeddings::find_inputs(whole, x.asked());
  embeddings::Collection all{embeddings::wanted(x.asked())};
  net::Held held{x.worker.loop().buffers().meter()};
  std::uint32_t attempts = 0;
  for (std::span<const llm::Span> rest{inputs}; !rest.empty();) {
    const std::span<const llm::Span> part = rest.first(std::min<std::size_t>(rest.size(), x.lane->model.batch_items));
    rest = rest.subspan(part.size());
    Result<Unit> asked = ask_for(x, whole, part);
    if (!asked) co_return std::move(asked).error();
    Result<Next> found = co_await dispatch_part(x);
    attempts += x.attempts;
    x.attempts = attempts;
    if (!found || !succeeded(x.answer)) co_return found;
    Result<Unit> taken = take(x, part.size(), all);
    if (!taken) co_return std::move(taken).error();
    held.set(all.bytes());
  }
  answer_whole(x, all);
  co_return Next::go_on;
}

bool must_change_form(const Exchange& x, const Attempt& a) {
  if (x.call.api != llm::Api::embeddings || a.converter != nullptr || a.answer.owned.empty()) return false;
  return embeddings::differs(a.answer.owned, embeddings::wanted(x.body()));
}

Result<Unit> put_vectors_in_form(Exchange& x) {
  if (!must_change_form(x, x)) return Unit{};
  if (!x.answer.collected) return too_long(x);
  embeddings::Collection all{embeddings::wanted(x.body())};
  Result<Unit> added = all.add(x.answer.owned, 0);
  if (!added) return in_words(x, std::move(added).error());
  x.answer.owned = all.answer({});
  x.answer.held.set(x.answer.owned.capacity());
  return Unit{};
}

}  // namespace intragate::pipeline
