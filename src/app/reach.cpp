#include "app/reach.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "app/commands.h"
#include "app/configuration.h"
#include "base/json_write.h"
#include "base/text.h"
#include "net/resolver.h"

namespace intragate::app {

std::vector<Destination> destinations(const config::Config& config) {
  std::vector<Destination> all;
  for (const config::Model& model : config.models) {
    for (std::size_t i = 0; i < model.endpoints.size(); ++i) {
      const config::Endpoint& endpoint = model.endpoints[i];
      all.push_back({.what = "model " + model.name + ", endpoint " + std::to_string(i + 1),
                     .host = endpoint.host,
                     .port = endpoint.port});
    }
  }
  for (const config::AuditCopy& copy : config.audit.copies) {
    all.push_back({.what = "audit copy " + copy.to, .host = copy.host, .port = copy.port});
  }
  return all;
}

std::vector<Reach> resolve_all(const std::vector<Destination>& destinations, const AddressList& egress) {
  struct Answer {
    std::vector<IpAddress> addresses;
    std::string failure;
  };
  std::map<std::string, Answer> known;  // a name is asked for once
  std::vector<Reach> all;
  for (const Destination& to : destinations) {
    const auto [entry, fresh] = known.try_emplace(to.host);
    Answer& answer = entry->second;
    if (fresh) answer.failure = net::Resolver::ask_system(to.host, answer.addresses);
    Reach reach{.to = to, .addresses = {}, .failure = answer.failure};
    for (const IpAddress& ip : answer.addresses) {
      reach.addresses.push_back({.address = {ip, to.port}, .allowed = egress.contains(ip)});
    }
    all.push_back(std::move(reach));
  }
  return all;
}

std::vector<std::string> name_servers(std::string_view resolv_conf) {
  constexpr std::string_view kWord = "nameserver";
  std::vector<std::string> servers;
  while (!resolv_conf.empty()) {
    const std::size_t end = std::min(resolv_conf.find('\n'), resolv_conf.size());
    std::string_view line = text::trim(resolv_conf.substr(0, end));
    resolv_conf.remove_prefix(std::min(end + 1, resolv_conf.size()));
    if (!line.starts_with(kWord)) continue;
    line.remove_prefix(kWord.size());
    if (line.empty() || (line.front() != ' ' && line.front() != '\t')) continue;
    line = text::trim(line);
    servers.emplace_back(line.substr(0, line.find_first_of(" \t")));
  }
  return servers;
}

namespace {

// Only names need a name service.
std::vector<std::string> servers_asked(const std::vector<Destination>& destinations) {
  const bool names = std::any_of(destinations.begin(), destinations.end(),
                                 [](const Destination& to) { return !IpAddress::parse(to.host); });
  if (!names) return {};
  std::ifstream in{"/etc/resolv.conf"};
  std::ostringstream text;
  text << in.rdbuf();
  std::vector<std::string> servers = name_servers(text.str());
  return servers.empty() ? std::vector<std::string>{"127.0.0.1"} : servers;  // resolv.conf(5)
}

bool is_good(const std::vector<Reach>& all) {
  return std::all_of(all.begin(), all.end(), [](const Reach& reach) {
    return !reach.addresses.empty() && std::all_of(reach.addresses.begin(), reach.addresses.end(),
                                                   [](const ReachedAddress& address) { return address.allowed; });
  });
}

std::string reach_json(const std::vector<Reach>& all, const std::vector<std::string>& servers, bool good) {
  std::string rows;
  for (const Reach& reach : all) {
    std::string addresses;
    for (const ReachedAddress& reached : reach.addresses) {
      std::string one;
      json::Writer writer{one};
      writer.open_object().text("address", reached.address.text()).flag("allowed", reached.allowed).close_object();
      addresses += (addresses.empty() ? "" : ",") + one;
    }
    std::string row;
    json::Writer writer{row};
    writer.open_object().text("what", reach.to.what).text("host", reach.to.host);
    writer.number("port", std::int64_t{reach.to.port}).raw("addresses", "[" + addresses + "]");
    if (reach.addresses.empty()) writer.text("failure", reach.failure);
    writer.close_object();
    rows += (rows.empty() ? "" : ",") + row;
  }
  std::string text;
  json::Writer writer{text};
  writer.open_object().flag("good", good).raw("destinations", "[" + rows + "]").open_array("name_servers");
  for (const std::string& server : servers) writer.element(server);
  writer.close_array().close_object();
  return text;
}

void print_row(const std::string& what, const std::string& address, const char* verdict) {
  std::printf("%-9s %-28s %s\n", verdict, address.c_str(), what.c_str());
}

void print_reach(const std::vector<Reach>& all, const std::vector<std::string>& servers) {
  print_row("WHAT", "ADDRESS", "EGRESS");
  for (const Reach& reach : all) {
    const std::string what = reach.to.what + " (" + reach.to.host + ")";
    for (const ReachedAddress& reached : reach.addresses) {
      print_row(what, reached.address.text(), reached.allowed ? "allowed" : "refused");
    }
    if (reach.addresses.empty()) print_row(what + ": " + reach.failure, "-", "unknown");
  }
  for (const std::string& server : servers) print_row("names, asked by the C library (/etc/resolv.conf)", server, "-");
}

}  // namespace

int validate_egress(const std::string& file, Output output) {
  const config::Loaded loaded = load_configuration(file, {});
  if (!loaded.ok()) return validate(file, output);  // says what is wrong
  const std::vector<Destination> all = destinations(loaded.config);
  const std::vector<Reach> reached = resolve_all(all, loaded.config.egress);
  const std::vector<std::string> servers = servers_asked(all);
  const bool good = is_good(reached);
  if (output == Output::json) {
    std::printf("%s\n", reach_json(reached, servers, good).c_str());
  } else {
    print_reach(reached, servers);
  }
  return good ? 0 : 1;
}

}  // namespace intragate::app
