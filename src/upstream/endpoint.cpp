#include "upstream/endpoint.h"

#include "base/base64.h"
#include "base/hash.h"
#include "config/tls_rules.h"

namespace intragate::upstream {
namespace {

std::string credentials(const config::EndpointAuth& auth) {
  switch (auth.type) {
    case config::AuthType::none: return {};
    case config::AuthType::bearer: return "Authorization: Bearer " + auth.key.reveal() + "\r\n";
    case config::AuthType::basic: return "Authorization: Basic " + base64(auth.key.reveal()) + "\r\n";
    case config::AuthType::header: return auth.header + ": " + auth.key.reveal() + "\r\n";
  }
  return {};
}

}  // namespace

Endpoint::Endpoint(std::string id, config::Endpoint configured, const config::Health& health)
    : id_{std::move(id)},
      configured_{std::move(configured)},
      point_{hash_of(configured_.url, hash_of(configured_.model, 0))},
      fixed_headers_{"Host: " + configured_.host_header + "\r\n" + credentials(configured_.auth)},
      health_rule_{health},
      health_{health} {
  if (!configured_.tls) return;
  Result<std::shared_ptr<const net::TlsContext>> tls = net::TlsContext::client(config::rules_of(configured_));
  if (tls) tls_ = *std::move(tls);
}

}  // namespace intragate::upstream
