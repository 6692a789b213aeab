// Prints what a check found: a line for each question, or JSON; then the timeouts, and the block to paste. Pure: makes
// text. Owner: the caller.
#pragma once

#include <string>
#include <vector>

#include "check/ladder.h"
#include "check/suite.h"

namespace intragate::check {

// Whether Dify would be happy: no finding is bad.
[[nodiscard]] bool is_happy(const Report& report);
// ✔ / ✘ / – lines; below a ✘ what Dify shows and what cures it.
[[nodiscard]] std::string as_text(const Report& report);
[[nodiscard]] std::string as_text(const std::vector<Rung>& rungs);
// {"happy","targets":[{"target","model","kind","happy","findings":[…],"context_window","concurrency"}],
// "timeouts":[…],"models"}
[[nodiscard]] std::string as_json(const std::vector<Report>& reports, const std::vector<Rung>& rungs,
                                  const std::string& block);
// The `models:` block of a configuration for what was checked at `url`.
[[nodiscard]] std::string models_block(const Report& report, const std::string& url, const std::string& key_reference);

}  // namespace intragate::check
