// Brings the thoughts of models into the one form that `reasoning` names: apart from the answer, within it as
// <think>…</think>, or left out; also when a tag comes in several pieces. Owner: one answer. Thread: any (pure).
// Does not: look for tags anywhere but at the answer's beginning; a model may write about them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/dialects.h"

namespace intragate::dialect {

using config::Reasoning;

class ReasoningFilter {
 public:
  explicit ReasoningFilter(Reasoning form) : form_{form} {}

  // Changes `text` and `reasoning` of the next piece. `last`: nothing follows, so nothing may be held back.
  enum class Piece : std::uint8_t { more, last };
  void apply(std::string& text, std::string& reasoning, Piece piece);

  // Text alone passes as it is from here on.
  [[nodiscard]] bool settled() const {
    return form_ == Reasoning::within ? !open_ : form_ == Reasoning::as_it_is || where_ == Where::text;
  }

 private:
  enum class Where : std::uint8_t { start, thought, after, text };
  void take_apart(std::string& text, std::string& reasoning, Piece piece);
  void put_within(std::string& text, std::string& reasoning, Piece piece);

  Reasoning form_;
  Where where_ = Where::start;
  bool open_ = false;  // within: <think> was written and not closed
  std::string held_;   // what may be the beginning of a tag
};

}  // namespace intragate::dialect
