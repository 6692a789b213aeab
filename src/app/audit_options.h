// What the `audit` verbs take on the command line. Owner: main. Does not: run them (audit.h).
#pragma once

#include <CLI/CLI.hpp>

#include "app/audit.h"

namespace intragate::app {

struct AuditCommands {
  CLI::App* verify = nullptr;
  CLI::App* query = nullptr;
  CLI::App* write_out = nullptr;  // export
  CLI::App* tail = nullptr;
  AuditVerifyOptions verify_options;
  AuditQueryOptions query_options;
  AuditQueryOptions export_options;
  AuditQueryOptions tail_options;
  bool json = false;
};
// `commands` outlives the parsing.
void add_audit(CLI::App& app, AuditCommands& commands);
// The exit code; nothing: it was another verb.
[[nodiscard]] std::optional<int> run_audit(AuditCommands& commands);

}  // namespace intragate::app
