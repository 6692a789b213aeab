// Whether a text is JSON through and through: for what a model says is JSON and is to stand within JSON of ours.
// Owner: none. Thread: any. Does not: give values (json_scan.h does). Cost: a parse of the whole text.
// Rule: RFC 8259.
#pragma once

#include <string_view>

namespace intragate::json {

// One object, valid in all its depth (at most 64).
[[nodiscard]] bool is_object(std::string_view text);

}  // namespace intragate::json
