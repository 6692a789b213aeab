// `listen` and `admin`: where the gateway is reached.
#include <set>

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
  read_timeouts(section, listen.timeouts);
  if (listen.allow.empty())
    section.warn(section.place("allow"), '`' + section.path("allow") + "` is empty: nobody may connect");
  return listen;
}

void read_admin(Section& top, Admin& into) {
  std::optional<Section> admin = top.section("admin");
  if (!admin) return;
  into.address_is_default = !admin->has("address");
  admin->address("address", into.address);
  admin->secret("token", into.token);
  if (into.address.ip.is_loopback() || admin->has("token")) return;
  admin->problem(admin->place("address"), "an admin address that other machines can reach needs `admin.token`");
}

}  // namespace

void read_listen(Section& top, Config& config) {
  std::set<SocketAddress> taken;
  for (Section& section : top.sections("listen")) {
    Listen listen = read_one(section);
    const bool fixed = section.has("address") && listen.address.port != 0;
    if (fixed && !taken.insert(listen.address).second) {
      section.problem(section.place("address"), "this address is already used above");
    }
    config.listen.push_back(std::move(listen));
  }
  if (!top.has("listen")) {
    config.listen.emplace_back();
  } else if (top.length("listen") == 0U) {
    top.problem(top.place("listen"), "`listen` must name at least one address", "leave it out for 127.0.0.1:8080");
  }
  read_admin(top, config.admin);
  if (config.admin.address.port != 0 && taken.contains(config.admin.address)) {
    top.problem(top.place("admin"), "the admin address is also an address of `listen`");
  }
}

}  // namespace intragate::config
