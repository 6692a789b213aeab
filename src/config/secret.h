// What must not be shown: a key, a token, a password. Owner: the configuration. Thread: any.
#pragma once

#include <string>
#include <utility>

namespace intragate::config {

// A secret read from the environment, a file or the configuration. Never printed: its only way out is reveal().
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_{std::move(value)} {}
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

}  // namespace intragate::config
