#include "auth/rules.h"
#include "pipeline/exchange.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {

Passage Authorize::pass(Exchange& x) {
  if (x.lane == nullptr) return Next::go_on;  // a list: it shows what the principal may use
  // A model may be allowed by its name or by the alias that was asked for.
  if (auth::may_use(*x.principal, x.lane->name)) return Next::go_on;
  Result<Unit> allowed = auth::check_model(*x.principal, x.call.model);
  if (!allowed) return std::move(allowed).error();
  return Next::go_on;
}

}  // namespace intragate::pipeline
