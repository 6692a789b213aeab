// The questions themselves, in the order of docs/check.md: what to ask a target of this kind, one after the other.
// Owner: app/check.cpp. Thread: its loop. Does not: judge (judge.h), print (report.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "check/finding.h"
#include "check/wire.h"
#include "net/task.h"
#include "upstream/endpoint.h"

namespace intragate::check {

struct Target {
  std::string title;  // for people
  std::shared_ptr<upstream::Endpoint> endpoint;
  std::shared_ptr<upstream::Endpoint> engine{};  // the model's own, where `endpoint` is a gateway of ours before it
  std::string model;                             // the name in bodies; empty: the first one it lists
  std::string kind;                              // as in the configuration; empty: chat
  std::uint64_t context_window = 0;              // 0: what it lists, if anything
  AddressList egress;                            // where the model may be
  std::uint32_t most_at_once = 8;                // how far the search for its concurrency goes
  std::uint32_t connections = 200;               // that are made in all, if no question needs more
};

// What was found out besides, for the block to paste.
struct Profile {
  std::vector<std::string> models{};  // as listed
  std::uint64_t context_window = 0;
  std::uint32_t concurrency = 0;  // calls at once until the first byte took twice as long; 0: not found
};

struct Report {
  std::string title;
  std::string model;
  std::string kind;
  Findings findings;
  Profile profile;
};

[[nodiscard]] net::Task<Report> run(net::Loop& loop, Target target);

}  // namespace intragate::check
