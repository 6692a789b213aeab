// limits: who may use how much, and whose turn it is.
#include <algorithm>

#include "base/address.h"
#include "config/readers.h"

namespace intragate::config {
namespace {

void read_name(Section& section, const Config& config, Limit& into) {
  section.text("name", into.name);
  if (into.name.empty()) return;
  const Place place = section.place("name");
  const auto named = [&](const auto& one) { return one.name == into.name; };
  if (into.per == Limit::Per::address && !Cidr::parse(into.name) && !IpAddress::parse(into.name)) {
    section.problem(place, "`name` must be an address or a range of addresses, as the limit is per address");
  }
  if (into.per == Limit::Per::key && std::none_of(config.keys.begin(), config.keys.end(), named)) {
    section.warn(place, "there is no key `" + into.name + "` in this file; one of `intragate keys` may have this name");
  }
}

Limit read_one(Section& section, const Config& config) {
  Limit limit;
  const std::string per = section.choice("per");
  limit.per = per == "key"       ? Limit::Per::key
              : per == "address" ? Limit::Per::address
              : per == "model"   ? Limit::Per::model
                                 : Limit::Per::user;
  read_name(section, config, limit);
  section.count("concurrency", limit.concurrency);
  section.count("requests_per_minute", limit.requests_per_minute);
  section.count("tokens_per_minute", limit.tokens_per_minute);
  section.count("tokens_per_day", limit.tokens_per_day);
  section.count("tokens_per_month", limit.tokens_per_month);
  if (section.has("weight")) section.count("weight", limit.weight.emplace(1));
  if (section.has("priority")) {
    const bool batch = section.choice("priority") == "batch";
    limit.priority = batch ? Limit::Priority::batch : Limit::Priority::interactive;
  }
  const bool shares = limit.per == Limit::Per::user || limit.per == Limit::Per::key;
  if (limit.weight && !shares) {
    section.warn(section.place("weight"), "`weight` has no effect: slots are shared by keys and users");
  }
  return limit;
}

}  // namespace

void read_limits(Section& top, Config& config) {
  for (Section& section : top.sections("limits")) config.limits.push_back(read_one(section, config));
}

}  // namespace intragate::config
