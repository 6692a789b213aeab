// Opens the audit writer as the configuration wants it. Owner: Gateway. Thread: the main one, blocking.
#pragma once

#include <memory>

#include "audit/writer.h"
#include "config/config.h"

namespace intragate::app {

// Errors: io, invalid_configuration.
[[nodiscard]] Result<std::unique_ptr<audit::Writer>> open_audit(const config::Config& config, std::size_t lanes);

}  // namespace intragate::app
