// "--name value" pairs of a command line; a flag without a value reads as "1".
// Owner:   each program's main.  Thread: one.
// Does not: know which names exist until they are asked for; `unread` then tells the misspelt ones.
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace intragate::bench {

class Options {
 public:
  Options(int count, char** words) {
    for (int i = 0; i < count; ++i) {
      std::string name = words[i];
      const bool has_value = i + 1 < count && std::string(words[i + 1]).rfind("--", 0) != 0;
      values_[name].push_back(has_value ? words[++i] : "1");
    }
  }

  std::string text(const std::string& name, const std::string& otherwise) {
    const std::vector<std::string> all = list(name);
    return all.empty() ? otherwise : all.back();
  }

  // A whole number ≥ 0; `otherwise` when the option is absent, 0 when it is no number.
  std::uint64_t number(const std::string& name, std::uint64_t otherwise) {
    const std::vector<std::string> all = list(name);
    if (all.empty()) return otherwise;
    std::uint64_t value = 0;
    std::from_chars(all.back().data(), all.back().data() + all.back().size(), value);
    return value;
  }

  std::vector<std::string> list(const std::string& name) {
    read_.insert(name);
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>{} : found->second;
  }

  // The first option that nobody asked for.
  std::optional<std::string> unread() const {
    for (const auto& [name, value] : values_) {
      if (read_.count(name) == 0) return name;
    }
    return std::nullopt;
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::set<std::string> read_;
};

}  // namespace intragate::bench
