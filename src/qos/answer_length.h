// AnswerLength: how long a model's answers are lately, for calls that do not say `max_tokens`, or say far too much.
// Owner: a model's lane. Thread: one at a time. Does not: know users or prompts.
// Rule: running mean and mean deviation over about the last 64 answers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace intragate::qos {

class AnswerLength {
 public:
  // An answer came to its end with so many completion tokens. Answers cut off by a client's leaving do not count.
  void count(std::uint64_t tokens) {
    seen_ = std::min(seen_ + 1, kAnswers);
    const double share = 1.0 / seen_;
    const double off = static_cast<double>(tokens) - mean_;
    deviation_ += (std::abs(off) - deviation_) * share;
    mean_ += off * share;
  }
  // The usual length, at most `max_tokens`: what a claim for a slot should cost.
  [[nodiscard]] std::uint64_t expected(std::optional<std::uint64_t> max_tokens) const {
    return capped(mean_, max_tokens);
  }
  // A length that most answers stay below, at most `max_tokens`: what a limit should reserve.
  [[nodiscard]] std::uint64_t cautious(std::optional<std::uint64_t> max_tokens) const {
    return capped(mean_ + deviation_, max_tokens);
  }

 private:
  static constexpr std::uint32_t kAnswers = 64;
  static constexpr double kAtFirst = 256;
  static std::uint64_t capped(double tokens, std::optional<std::uint64_t> most) {
    const auto estimate = static_cast<std::uint64_t>(std::max(1.0, std::ceil(tokens)));
    return most ? std::min(*most, estimate) : estimate;
  }

  double mean_ = kAtFirst;
  double deviation_ = kAtFirst;
  std::uint32_t seen_ = 0;
};

}  // namespace intragate::qos
