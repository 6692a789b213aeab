#include "auth/rules.h"
#include "pipeline/exchange.h"
#include "pipeline/snapshot.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {

Passage Authorize::pass(Exchange& x) {
  if (x.lane == nullptr) return Next::go_on;  // a list: it shows what the principal may use
  // A model may be allowed by its name or by the alias that was asked for.
  if (!auth::may_use(*x.principal, x.lane->name)) {
    Result<Unit> allowed = auth::check_model(*x.principal, x.call.model);
    if (!allowed) return std::move(allowed).error();
  }
  // Last: what a model is for is told only to those who may use it.
  Result<Unit> fits = check_kind(*x.lane, x.call.api);
  if (!fits) return std::move(fits).error();
  return Next::go_on;
}

}  // namespace intragate::pipeline
