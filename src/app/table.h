// A table on standard output: columns as wide as their widest cell. Owner: none. Thread: the main one.
// Does not: know what is in it. Cells must hold nothing that moves a terminal's cursor: what JSON escapes stays
// escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace intragate::app {

using Row = std::vector<std::string>;

// The first row is the head; all are equally long.
void print_table(const std::vector<Row>& rows);

// The text of a JSON string as a cell shows it: without its quotes, escapes as they are; an empty one is `-`.
[[nodiscard]] std::string cell_of(std::string_view json);

}  // namespace intragate::app
