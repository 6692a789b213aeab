// `intragate check TARGET`: would Dify be happy with this model endpoint (docs/check.md). TARGET is a base URL, or a
// configuration file whose endpoints are all asked. Exit codes: 0 happy, 1 not, 2 wrong use. Thread: the main one,
// blocking.
#pragma once

#include <cstdint>
#include <string>

#include "app/commands.h"

namespace intragate::app {

struct CheckOptions {
  std::string target;
  std::string model;                // only this one; of a URL: empty: the first it lists
  std::string kind;                 // of a URL; empty: chat
  std::string key_file;             // of a URL; empty: $INTRAGATE_CHECK_KEY, or none
  std::string ca_file;              // of a URL; empty: the system's authorities
  std::uint32_t most_at_once = 8;   // how far the search for its concurrency goes
  std::uint32_t connections = 200;  // that are made in all, to each target
};

[[nodiscard]] int check(const CheckOptions& options, Output output);

}  // namespace intragate::app
