// Looks one value up in JSON text by its path, without building a tree. Pure. Owner: the caller; views point into the
// text. Does not: check the rest of the text.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_scan.h"

namespace intragate::check {

// The value behind keys and, in arrays, positions ("0"); nothing when there is none, or the text is no JSON object.
// REQUIRES: no `/` and no `~` in the path, which becomes a JSON pointer (dialect/raw.h).
[[nodiscard]] std::optional<json::Member> look(std::string_view text, std::initializer_list<std::string_view> path);
// The text of a string there, or nothing if there is none.
[[nodiscard]] std::optional<std::string> look_text(std::string_view text, std::initializer_list<std::string_view> path);
// Whether something that is not null is there.
[[nodiscard]] bool has(std::string_view text, std::initializer_list<std::string_view> path);
// Whether the text is one JSON object, as far as its top level tells.
[[nodiscard]] bool is_object(std::string_view text);
// How many elements the array there has; 0 when there is none.
[[nodiscard]] std::size_t count(std::string_view text, std::initializer_list<std::string_view> path);

}  // namespace intragate::check
