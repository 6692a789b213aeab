// `listen` and `admin`: where the gateway is reached.
#include <algorithm>
#include <vector>

#include "config/readers.h"

namespace intragate::config {
namespace {

void read_timeouts(Section& listen, ListenTimeouts& into) {
  std::optional<Section> timeouts = listen.section("timeouts");
  if (!timeouts) return;
  timeouts->duration("head", into.head);
  timeouts->duration("body", into.body);
  timeouts->duration("idle", into.idle);
  timeouts->duration("write", into.write);
}

Listen read_one(Section& section) {
  Listen listen;
  section.address("address", listen.address);
  section.ranges("allow", listen.allow);
  section.ranges("trusted_proxies", listen.trusted_proxies);
  section.count("max_connections", listen.max_connections);
  section.size("max_head", listen.max_head);
  section.size("max_body", listen.max_body);
  section.size("max_upload", listen.max_upload);
  read_timeouts(section, listen.timeouts);
  read_server_tls(section, listen.tls);
  if (listen.allow.empty())
    section.warn(section.place("allow"), '`' + section.path("allow") + "` is empty: nobody may connect");
  return listen;
}

// Whose client certificates are as good as the token.
void read_administrators(Section& admin, Admin& into) {
  for (Section& certificate : admin.sections("certificates")) {
    read_certificate_rule(certificate, into.certificates.emplace_back());
  }
  const bool asks = into.tls && into.tls->client_certificate != net::ClientCertificate::none;
  if (!into.certificates.empty() && !asks)
    admin.problem(admin.place("certificates"), "`admin.certificates` needs `admin.tls` with a `client_certificate`",
                  "add `client_certificate: required` or `optional`");
}

void read_admin(Section& top, Admin& into) {
  std::optional<Section> admin = top.section("admin");
  if (!admin) return;
  into.address_is_default = !admin->has("address");
  admin->address("address", into.address);
  admin->ranges("allow", into.allow);
  if (into.allow.empty())
    admin->warn(admin->place("allow"), "`admin.allow` is empty: nobody may use the admin address");
  admin->secret("token", into.token);
  read_server_tls(*admin, into.tls);
  read_administrators(*admin, into);
  if (into.address.ip.is_loopback() || admin->has("token") || !into.certificates.empty()) return;
  admin->problem(admin->place("address"),
                 "an admin address that other machines can reach needs `admin.token` or `admin.certificates`");
}

// The address of `taken` that keeps another socket from listening at `address`; null: none.
const SocketAddress* find_taken(const std::vector<SocketAddress>& taken, const SocketAddress& address) {
  const auto at = std::find_if(taken.begin(), taken.end(), [&](const auto& other) { return overlap(other, address); });
  return at == taken.end() ? nullptr : &*at;
}

}  // namespace

bool overlap(const SocketAddress& a, const SocketAddress& b) {
  const auto every = [](const IpAddress& ip) { return ip == IpAddress{} || ip == IpAddress::v4({0, 0, 0, 0}); };
  const bool same_kind = a.ip.is_v4() == b.ip.is_v4();  // IPv6 sockets take no IPv4 (net/listener.cpp)
  return a.port != 0 && a.port == b.port && same_kind && (a.ip == b.ip || every(a.ip) || every(b.ip));
}

void read_listen(Section& top, Config& config) {
  std::vector<SocketAddress> taken;
  for (Section& section : top.sections("listen")) {
    Listen listen = read_one(section);
    if (const SocketAddress* other = find_taken(taken, listen.address)) {
      section.problem(section.place("address"), "this address is already used above, by " + other->text());
    }
    if (section.has("address")) taken.push_back(listen.address);
    config.listen.push_back(std::move(listen));
  }
  if (!top.has("listen")) {
    config.listen.emplace_back();
  } else if (top.length("listen") == 0U) {
    top.problem(top.place("listen"), "`listen` must name at least one address", "leave it out for 127.0.0.1:8080");
  }
  read_admin(top, config.admin);
  if (const SocketAddress* other = find_taken(taken, config.admin.address)) {
    top.problem(top.place("admin"), "the admin address is also an address of `listen`: " + other->text());
  }
}

}  // namespace intragate::config
