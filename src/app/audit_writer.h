// Opens the audit writer as the configuration wants it. Owner: Gateway. Thread: the main one, blocking.
#pragma once

#include <memory>

#include "audit/copies.h"
#include "audit/writer.h"
#include "config/config.h"

namespace intragate::app {

// Errors: io, invalid_configuration.
[[nodiscard]] Result<std::unique_ptr<audit::Writer>> open_audit(const config::Config& config, std::size_t lanes,
                                                                std::shared_ptr<audit::Copies> copies);
// Where else records go; null: nowhere. Errors: invalid_configuration.
[[nodiscard]] Result<std::shared_ptr<audit::Copies>> open_copies(const config::Config& config);

}  // namespace intragate::app
