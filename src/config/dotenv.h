// The lines of an .env file, with their places. KEY=value, `export KEY=value`; a # begins a comment at the start of a
// line or behind a space; 'single quotes' keep everything, "double quotes" know \n, \t, \", \\ and \$. A value ends
// with its line. Owner: the caller. Thread: any. Does not: replace variables within values, know which variables
// matter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problems.h"

namespace intragate::config {

struct DotenvLine {
  std::string name;
  std::string value;
  Place place;  // of the name
};

// Names are unique; a second one is a problem and is left out, as is every line that cannot be read.
[[nodiscard]] std::vector<DotenvLine> read_dotenv(std::string_view text, Problems& problems);

}  // namespace intragate::config
