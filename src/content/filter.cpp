#include "content/filter.h"

#include <algorithm>

namespace intragate::content {
namespace {

// "[mobile_number]", or, where it is the rule's own word or expression, "[its name]".
void append_mask(const Finding& found, const Rules& rules, std::string& out) {
  const bool own = static_cast<std::size_t>(found.kind) >= kBuiltInKinds;
  out += '[';
  out += own ? std::string_view{rules[found.rule]->name} : kind_name(found.kind);
  out += ']';
}

}  // namespace

// Findings to be masked that overlap become one mask, named by the rule that comes first in the configuration.
bool Filter::apply(const Scanner::Cleared& cleared, std::string& out) {
  const auto text = [&](std::uint64_t from, std::uint64_t to) {
    return cleared.text.substr(static_cast<std::size_t>(from - cleared.offset), static_cast<std::size_t>(to - from));
  };
  std::uint64_t at = cleared.offset;
  std::optional<Finding> mask;
  const auto end_mask = [&] {
    if (!mask) return;
    out += text(at, mask->begin);
    append_mask(*mask, rules_, out);
    at = mask->end;
    mask.reset();
  };
  for (const Finding& one : cleared.found) {
    ++tally_.count[one.rule];
    const Action action = mode_ == Mode::masks ? Action::mask : rules_[one.rule]->action;
    if (action == Action::refuse) {
      end_mask();
      if (one.begin > at) out += text(at, one.begin);
      tally_.refused = one.rule;
      return false;
    }
    if (action == Action::note) continue;
    if (mask && one.begin < mask->end) {
      const std::uint64_t end = std::max(mask->end, one.end);
      if (one.rule < mask->rule) *mask = {mask->begin, end, one.kind, one.rule};
      mask->end = end;
      continue;
    }
    end_mask();
    mask = one;
  }
  end_mask();
  out += text(at, cleared.offset + cleared.text.size());
  return true;
}

}  // namespace intragate::content
