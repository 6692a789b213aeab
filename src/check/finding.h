// What one question to a model server showed: plain data, made by the judges (judge.h), printed by report.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace intragate::check {

enum class Verdict : std::uint8_t {
  good,
  bad,   // Dify, or its user, would not be happy
  open,  // cannot be said, does not apply here, or is worth a word but no harm
};

struct Finding {
  std::string id;     // as docs/check.md lists them: "S2"
  std::string title;  // what is asked of the server
  Verdict verdict = Verdict::good;
  std::string detail{};      // what was seen; empty: nothing worth a word
  std::string dify_shows{};  // bad: what Dify's user would see
  std::string cure{};        // bad or open: which repair or setting helps
};
using Findings = std::vector<Finding>;

}  // namespace intragate::check
