#include "auth/rules.h"
#include "base/text.h"
#include "pipeline/exchange.h"
#include "pipeline/snapshot.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {

Passage Authorize::pass(Exchange& x) {
  if (x.lane == nullptr) return Next::go_on;  // a list: it shows what the principal may use
  // Whoever may ask may know beforehand what it costs.
  const llm::Api asked = only_counts(x) ? llm::Api::messages : x.target.route->api;
  Result<Unit> api = auth::check_api(*x.principal, llm::api_name(asked));
  if (!api) return std::move(api).error();
  Result<Unit> allowed = auth::check_model(*x.principal, names_of(*x.lane), x.call.model);
  if (!allowed) return std::move(allowed).error();
  if (!x.lane->model.allow.contains(x.address)) {
    return make_error(Code::address_not_allowed, "The model " + text::quoted(x.call.model) +
                                                     " may not be used from the address " + x.address.text() +
                                                     ": ask your administrator to allow it.");
  }
  // Last: what a model is for is told only to those who may use it.
  Result<Unit> fits = check_kind(*x.lane, x.call.api);
  if (!fits) return std::move(fits).error();
  return Next::go_on;
}

}  // namespace intragate::pipeline
