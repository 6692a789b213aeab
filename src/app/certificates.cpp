#include "app/certificates.h"

#include <utility>

#include "base/log.h"
#include "config/tls_rules.h"

namespace intragate::app {
namespace {

constexpr std::chrono::days kWarning{30};
constexpr Duration kDay = std::chrono::hours{24};

}  // namespace

Result<DoorTls> door_tls_of(const std::optional<config::ListenTls>& next, const std::optional<config::ListenTls>& old,
                            const DoorTls& known) {
  if (!next) return DoorTls{};
  if (known != nullptr && next == old) return known;
  return net::TlsContext::server(config::rules_of(*next));
}

Result<DoorsTls> doors_tls_of(const config::Config& next, const config::Config& old, const DoorsTls& known) {
  DoorsTls all;
  for (std::size_t i = 0; i < next.listen.size(); ++i) {
    const bool had = i < known.size();
    Result<DoorTls> door =
        door_tls_of(next.listen[i].tls, had ? old.listen[i].tls : std::nullopt, had ? known[i] : DoorTls{});
    if (!door) return std::move(door).error();
    all.push_back(*std::move(door));
  }
  return all;
}

bool changes_client_rules(const DoorsTls& old, const DoorsTls& next) {
  for (std::size_t i = 0; i < old.size() && i < next.size(); ++i) {
    if (old[i] != nullptr && old[i] != next[i] && old[i]->asks_clients()) return true;
  }
  return false;
}

std::vector<CertificateUse> certificates_of(const config::Config& config) {
  std::vector<CertificateUse> all;
  for (const config::Listen& listen : config.listen) {
    if (listen.tls) all.push_back({"listener " + listen.address.text(), listen.tls->expires});
  }
  if (config.admin.tls) all.push_back({"admin " + config.admin.address.text(), config.admin.tls->expires});
  for (const config::AuditCopy& copy : config.audit.copies) {
    if (copy.tls && copy.tls->expires) all.push_back({"audit copy " + copy.to, *copy.tls->expires});
  }
  for (const config::Model& model : config.models) {
    for (std::size_t i = 0; i < model.endpoints.size(); ++i) {
      const auto& tls = model.endpoints[i].tls;
      if (tls && tls->expires) all.push_back({"endpoint " + model.name + "/" + std::to_string(i), *tls->expires});
    }
  }
  return all;
}

void ExpiryNotice::warn(const config::Config& config, TimePoint now) {
  if (said_at_ != TimePoint{} && now - said_at_ < kDay) return;
  said_at_ = now;
  const WallTime wall = std::chrono::system_clock::now();
  for (const CertificateUse& certificate : certificates_of(config)) {
    if (certificate.expires - wall > kWarning) continue;
    const auto days = std::chrono::floor<std::chrono::days>(certificate.expires - wall).count();
    log::warning(days < 0 ? "a certificate has expired" : "a certificate expires soon",
                 {{"use", certificate.use}, {"days_left", static_cast<std::int64_t>(days)}});
  }
}

void ExpiryGauges::publish(metrics::Shard& process, const config::Config& config) {
  using metrics::Metric;
  std::set<std::string> gone = std::exchange(published_, {});
  const WallTime now = std::chrono::system_clock::now();
  for (const CertificateUse& certificate : certificates_of(config)) {
    gone.erase(certificate.use);
    published_.insert(certificate.use);
    const double left = std::chrono::duration<double>(certificate.expires - now).count();
    process.gauge(Metric::certificate_expiry, {certificate.use}).set(left);
  }
  for (const std::string& use : gone) process.remove(Metric::certificate_expiry, {use});
}

}  // namespace intragate::app
