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
// The timeouts on the way to what has this name; and what several share.
struct Ladder {
  std::vector<std::string> targets;
  std::vector<Rung> rungs;
};
// One for each way that differs, in the order of the first that takes it.
[[nodiscard]] std::vector<Ladder> distinct(std::vector<Ladder> ladders);
// `alone`: there is no other, so that it need not be said of what it is.
[[nodiscard]] std::string as_text(const Ladder& ladder, bool alone);
// {"happy","targets":[{"target","model","kind","happy","findings":[…],"context_window","concurrency"}],
// "ladders":[{"targets":[…],"timeouts":[…],"first_to_fire"}],"models"}
[[nodiscard]] std::string as_json(const std::vector<Report>& reports, const std::vector<Ladder>& ladders,
                                  const std::string& block);
// The `models:` block of a configuration for what was checked. Empty: no key, the system's authorities.
struct Reached {
  std::string url;
  std::string key_reference;  // as a configuration would name its key
  std::string ca;             // file
};
[[nodiscard]] std::string models_block(const Report& report, const Reached& where);

}  // namespace intragate::check
