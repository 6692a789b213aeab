#include "dialect/openai.h"
#include "dialect/screen_body.h"
#include "net/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using content::Where;
using dialect::BodyScreen;

// What the model is to get stands in the record, too.
Next passed(Exchange& x) {
  if (x.transcript) x.transcript->prompt(x.asked());
  return Next::go_on;
}

// What the model is to get is from now on the call's body.
Result<Next> take_masked(Exchange& x, std::string body) {
  Result<llm::Call> call = dialect::openai::understand(x.call.api, body);
  if (!call) return std::move(call).error();
  call->user = std::move(x.call.user);
  call->model = std::move(x.call.model);
  x.call = std::move(*call);
  x.call.bound_answer(x.lane->model.max_answer_tokens);
  x.screened = std::move(body);
  x.screened_held = net::Held{x.worker.loop().buffers().meter(), x.screened.capacity()};
  return passed(x);
}

Result<Next> finish(Exchange& x, const BodyScreen& screen) {
  if (x.screening->side(Where::prompt).tally.refused) return x.screening->refusal(Where::prompt);
  std::optional<std::string> masked = screen.changed();
  if (!masked) return passed(x);
  return take_masked(x, *std::move(masked));
}

net::Task<Result<Next>> screen_long(Exchange& x) {
  Screening::Side& side = x.screening->side(Where::prompt);
  BodyScreen screen{x.asked(), side.rules, side.tally};
  while (!screen.step()) {
    co_await net::Yield{x.worker.loop()};
    if (x.connection.cancellation().fired()) co_return make_error(Code::client_gone, {});
  }
  co_return finish(x, screen);
}

}  // namespace

Passage Screen::pass(Exchange& x) {
  if (x.lane == nullptr) return Next::go_on;
  if (x.snapshot->config->content_rules.empty()) return passed(x);
  x.screening = Screening::of(*x.snapshot->config, x.principal->name, x.lane->name);
  if (!x.screening) return passed(x);
  if (x.transcript) x.transcript->redact_with(x.screening->rules());
  if (!x.screening->looks_into(Where::prompt) || x.call.api == llm::Api::transcription) return passed(x);
  Screening::Side& side = x.screening->side(Where::prompt);
  if (side.enforces() && dialect::is_tokens(x.call, x.asked())) {
    return make_error(
        Code::content_refused,
        "Content rules apply to this key or model, and cannot read a prompt of token numbers: send it as text.");
  }
  if (x.asked().size() > BodyScreen::kStep) return screen_long(x);
  BodyScreen screen{x.asked(), side.rules, side.tally};
  while (!screen.step()) {
  }
  Result<Next> done = finish(x, screen);
  if (!done) return std::move(done).error();
  return *done;
}

}  // namespace intragate::pipeline
