#include "app/table.h"

#include <algorithm>
#include <cstdio>

namespace intragate::app {

void print_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += row[i];
      if (i + 1 < widths.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    std::printf("%s\n", line.c_str());
  }
}

std::string cell_of(std::string_view json) {
  if (json.starts_with('"') && json.ends_with('"') && json.size() >= 2) json = json.substr(1, json.size() - 2);
  return json.empty() ? "-" : std::string{json};
}

}  // namespace intragate::app
