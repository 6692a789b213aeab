// The one table of the quick start's variables: names and defaults. docs/configuration.md is held against it
// (tests/unit/config). Owner: nobody, constant. Thread: any. Does not: read values (environment.cpp).
#pragma once

#include <span>
#include <string_view>

namespace intragate::config {

struct QuickStartRow {
  std::string_view name;
  std::string_view fallback;  // as an .env file would say it; empty: none; or kRequired (key_table.h)
};

[[nodiscard]] std::span<const QuickStartRow> quick_start_table();

}  // namespace intragate::config
