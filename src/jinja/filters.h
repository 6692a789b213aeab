// The filters, by what they work on. Owner: static memory. Thread: any. Does not: find them by name (builtins.h).
#pragma once

#include <span>

#include "jinja/name_table.h"

namespace intragate::jinja {

[[nodiscard]] std::span<const NamedBuiltin> filters_of_texts();
[[nodiscard]] std::span<const NamedBuiltin> filters_of_lists();

}  // namespace intragate::jinja
