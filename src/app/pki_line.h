// The command line of `intragate pki`: which words it takes, and which verb they choose. Owner: main(). Thread: main.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <utility>
#include <vector>

#include "app/pki.h"

namespace intragate::app {

class PkiLine {
 public:
  explicit PkiLine(CLI::App& app);
  PkiLine(const PkiLine&) = delete;  // the parser writes into it
  PkiLine& operator=(const PkiLine&) = delete;
  // The exit code, if one of its verbs was given.
  [[nodiscard]] std::optional<int> run() const;

 private:
  using Verb = int (*)(const PkiOptions&, Output);
  CLI::App* add(CLI::App* pki, const char* word, const char* help, Verb verb);

  PkiOptions options_;
  bool json_ = false;
  std::vector<std::pair<CLI::App*, Verb>> verbs_;
};

}  // namespace intragate::app
