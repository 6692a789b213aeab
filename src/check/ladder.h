// The timeouts between a person and the model, in the order of the way, and which of them fires first. Pure.
// Owner: the caller. Source: Dify's defaults (docs/check.md).
#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace intragate::check {

struct Rung {
  std::string who;
  std::string setting;  // what changes it
  Duration limit{};
  std::string of;  // what is measured: "whole answer", "silence", "first byte"
  friend bool operator==(const Rung&, const Rung&) = default;
};
// For a model of this kind; `gateway` with its timeouts is put in where it is known.
struct GatewayTimeouts {
  Duration first_byte{};
  Duration between_chunks{};
  Duration total{};
  std::string key;  // "models[0].timeouts"
};
[[nodiscard]] std::vector<Rung> ladder(const std::string& kind, const GatewayTimeouts& gateway);
// One sentence: who gives up first while a model is silent, and what follows.
[[nodiscard]] std::string first_to_fire(const std::vector<Rung>& rungs);

}  // namespace intragate::check
