#include "auth/bearer.h"
#include "auth/rules.h"
#include "net/digest.h"
#include "pipeline/exchange.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {

Passage Identify::pass(Exchange& x) {
  if (x.worker.draining()) {
    return make_error(Code::draining, "The gateway is restarting; please try again in a moment.");
  }
  if (x.worker.audit().full() && x.snapshot->config->audit.on_full == config::OnFull::refuse) {
    return make_error(
        Code::audit_unavailable,
        "The gateway cannot write its records and therefore serves no calls; its administrator has to make "
        "room on the disk.");
  }
  Result<std::string_view> token = auth::bearer_token(x.head.authorization);
  if (!token) return std::move(token).error();
  Result<const auth::Principal*> principal = auth::identify(x.snapshot->keys, net::sha256(*token));
  if (!principal) return std::move(principal).error();
  x.principal = *principal;  // also when it is not let in: the record names whose key was used
  Result<Unit> admitted = auth::admit(*x.principal, x.address, x.wall);
  if (!admitted) return std::move(admitted).error();
  return Next::go_on;
}

}  // namespace intragate::pipeline
