// The order of a request's journey, and why each station stands where it does. receive.cpp comes before, settle.cpp
// after.
#include "pipeline/journey.h"

#include <exception>

#include "pipeline/answer_error.h"
#include "pipeline/exchange.h"
#include "pipeline/settle.h"

namespace intragate::pipeline {

Journey::Journey()
    : stations_{&identify_,    // first: a stranger must cost us nothing, not even the reading of his body
                &understand_,  // reads the body; finds the model, and the end user this key is trusted to name
                &authorize_,   // before limit and admit: a refused call uses up nothing
                &screen_,   // before what counts and limits: likewise; behind authorize: rules are for keys and models
                &measure_,  // after authorize: counting costs us something; before limit, which takes what was counted
                &limit_,    // before reuse: a hit counts as a request
                            // reuse: before admit, a hit needs no slot
                &list_models_,  // answered from memory: needs no slot either
                &count_,        // likewise
                &admit_,        // last before the model: a slot is held no longer than it works
                &dispatch_, &relay_} {}

namespace {

Error stray_exception(const Station& station, std::string_view what) {
  return make_error(Code::internal, "The gateway failed within itself; the request id helps to find out why.")
      .because(std::string{station.name()} + ": " + std::string{what});
}

}  // namespace

net::Task<void> Journey::run(Exchange& x) {
  for (Station* station : stations_) {
    Result<Next> next = Next::go_on;
    // A stray exception (a bug, or memory) must not take the other calls of this loop with it.
    try {
      Passage passage = station->pass(x);
      if (passage.waits()) {
        net::Task<Result<Next>> task = std::move(passage).task();
        next = co_await task;
      } else {
        next = std::move(passage.result());
      }
    } catch (const std::exception& stray) {
      next = stray_exception(*station, stray.what());
    }
    if (!next) {
      x.error = std::make_unique<Error>(std::move(next).error());
      break;
    }
    if (*next == Next::answered) break;
  }
  if (x.error) {
    leave_model(x);  // before the client is told, who may be slow: a call that failed must not keep others waiting
    co_await answer_error(x);
  }
  settle(x);
}

}  // namespace intragate::pipeline
