// Does with a text what content rules say: masks, refuses, or only counts what it finds. The text may come in pieces.
// Owner: one text. Thread: its loop. Does not: know what the text is part of (pipeline/screening.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/scanner.h"

namespace intragate::content {

// How often each rule found something, and which of them refused.
struct Tally {
  std::vector<std::uint32_t> count;
  std::optional<std::size_t> refused;

  explicit Tally(std::size_t rules = 0) : count(rules) {}
};

class Filter {
 public:
  // `masks`: everything found is masked, whatever its rule's action.
  enum class Mode : std::uint8_t { as_ruled, masks };
  // `rules` and `tally` (of as many rules) must outlive the filter.
  Filter(const Rules& rules, Tally& tally, Mode mode = Mode::as_ruled)
      : rules_{rules}, tally_{tally}, scanner_{rules}, mode_{mode} {}

  // Appends what may go on. False: a rule refuses the text; what stands before the finding was appended.
  bool feed(std::string_view piece, std::string& out) { return apply(scanner_.feed(piece), out); }
  bool finish(std::string& out) { return apply(scanner_.finish(), out); }
  [[nodiscard]] std::size_t held() const { return scanner_.held(); }

 private:
  bool apply(const Scanner::Cleared& cleared, std::string& out);

  const Rules& rules_;
  Tally& tally_;
  Scanner scanner_;
  Mode mode_;
};

}  // namespace intragate::content
