// A table from names to what Jinja brings along. Owner: static memory. Thread: any. Does not: change.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "jinja/syntax.h"

namespace intragate::jinja {

using NamedBuiltin = std::pair<std::string_view, Builtin>;

[[nodiscard]] inline Builtin find_in(std::span<const NamedBuiltin> table, std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [name](const NamedBuiltin& entry) { return entry.first == name; });
  return found == table.end() ? nullptr : found->second;
}

[[nodiscard]] inline std::string_view closest_in(std::span<const NamedBuiltin> table, std::string_view name) {
  std::vector<std::string_view> names;
  for (const NamedBuiltin& entry : table) names.push_back(entry.first);
  return text::closest_word(name, names);  // one of the table's, which stays
}

}  // namespace intragate::jinja
