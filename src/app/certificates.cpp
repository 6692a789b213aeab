#include "app/certificates.h"

#include <algorithm>
#include <array>
#include <string_view>
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

namespace {

struct Word {
  std::string_view of;
  std::string_view what;
};
constexpr std::array kWords{Word{"certificate", "certificate"}, Word{"chain", "certificate's chain"},
                            Word{"client_ca", "client authority"}, Word{"ca", "trusted authority"},
                            Word{"crl", "list of revoked certificates"}};

void add(std::vector<CertificateUse>& all, const std::string& place, const std::vector<config::Expiry>& ends) {
  for (const config::Expiry& end : ends) {
    const auto* const word = std::find_if(kWords.begin(), kWords.end(), [&](Word one) { return one.of == end.of; });
    const bool own = end.of == "certificate";
    all.push_back({own ? place : place + ' ' + std::string{end.of}, word->what, end.at});
  }
}

}  // namespace

std::vector<CertificateUse> certificates_of(const config::Config& config) {
  std::vector<CertificateUse> all;
  for (const config::Listen& listen : config.listen) {
    if (listen.tls) add(all, "listener " + listen.address.text(), listen.tls->expires);
  }
  if (config.admin.tls) add(all, "admin " + config.admin.address.text(), config.admin.tls->expires);
  for (const config::AuditCopy& copy : config.audit.copies) {
    if (copy.tls) add(all, "audit copy " + copy.to, copy.tls->expires);
  }
  for (const config::Model& model : config.models) {
    for (std::size_t i = 0; i < model.endpoints.size(); ++i) {
      const auto& tls = model.endpoints[i].tls;
      if (tls) add(all, "endpoint " + model.name + "/" + std::to_string(i), tls->expires);
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
    log::warning("a " + std::string{certificate.what} + (days < 0 ? " has expired" : " expires soon"),
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
