// A content rule: what it looks for, where, and what becomes of it. Plain data. Owner: the configuration; immutable and
// shared by all loops. Thread: any. Does not: know whose calls it is for (config/content_rules.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "content/pattern.h"
#include "content/personal_data.h"
#include "content/word_list.h"

namespace intragate::content {

enum class Action : std::uint8_t { note, mask, refuse };
[[nodiscard]] constexpr std::string_view action_name(Action action) {
  constexpr std::array<std::string_view, 3> kNames{"note", "mask", "refuse"};
  return kNames[static_cast<std::size_t>(action)];
}

enum class Where : std::uint8_t { prompt, answer };
[[nodiscard]] constexpr std::string_view where_name(Where where) {
  return where == Where::prompt ? "prompt" : "answer";
}

struct Rule {
  std::string name;
  Action action = Action::note;
  std::array<bool, 2> looks_at{true, true};  // by Where
  Kinds kinds;                               // built-in ones
  std::vector<Pattern> patterns;
  WordList words;

  [[nodiscard]] bool looks_into(Where where) const { return looks_at[static_cast<std::size_t>(where)]; }
};

// Those that one text is looked through for, in their order.
using Rules = std::vector<const Rule*>;

}  // namespace intragate::content
