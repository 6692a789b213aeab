// Collects what is wrong with the input, so that all of it is reported together, and what is only worth a remark.
// Owner: one load. Thread: that load's. Does not: decide what is wrong (the readers do), print.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace intragate::config {

// Where something stands in a text; both count from 1, columns in bytes. 0: unknown.
struct Place {
  int line = 0;
  int column = 0;
};

// The place of byte `offset` of `text`.
[[nodiscard]] Place place_of(std::string_view text, std::size_t offset);

class Problems {
 public:
  explicit Problems(std::string file) : file_{std::move(file)} {}

  // `suggestion` may be empty. Beyond kMost problems only one more is kept: that there are more.
  void add(Place place, std::string message, std::string suggestion = {});
  void add(Problem problem);
  void warn(Place place, std::string message);

  // Reports the first byte of `text` that no text file has (control characters, not UTF-8). True: there is none.
  bool check_text(std::string_view text);

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool none() const { return problems_.empty(); }
  [[nodiscard]] bool full() const { return problems_.size() > kMost; }
  // In the order of their places.
  [[nodiscard]] std::vector<Problem> take_problems();
  [[nodiscard]] std::vector<std::string> take_warnings() { return std::move(warnings_); }

  static constexpr std::size_t kMost = 100;

 private:
  std::string file_;
  std::vector<Problem> problems_;
  std::vector<std::string> warnings_;
};

// What to do about a full-width colon, which separates no key from its value; empty: `text` has none.
[[nodiscard]] std::string colon_hint(std::string_view text);

// "did you mean `…`?", or nothing for an empty word.
[[nodiscard]] std::string did_you_mean(std::string_view word);

}  // namespace intragate::config
