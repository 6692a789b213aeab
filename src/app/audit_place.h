// Where the audit verbs find what they read. Thread: the main one, blocking.
#pragma once

#include <string>

#include "app/audit.h"
#include "config/config.h"

namespace intragate::app {

struct AuditSource {
  std::string directory;
  config::Secret key;  // audit.sign.key, if the configuration has one
};
// Errors: invalid_configuration.
[[nodiscard]] Result<AuditSource> find_audit(const AuditPlace& place);
// data_dir/audit.
[[nodiscard]] std::string audit_directory(const config::Config& config);
// Prints the reason; 1.
int audit_says_no(const Error& error);

}  // namespace intragate::app
