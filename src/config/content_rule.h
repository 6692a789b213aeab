// `content_rules` of the configuration as typed data: what may not leave, and whose calls are looked through for it.
// Owner: the Config; the compiled rule is shared with calls under way. Thread: any. Does not: look (content/).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "content/rule.h"

namespace intragate::config {

struct ContentRule {
  std::shared_ptr<const content::Rule> rule;
  std::vector<std::string> keys{"*"};    // names, or patterns with *; behind kDenies: not these
  std::vector<std::string> models{"*"};  // the same
  std::string source;                    // all that the rule was made of

  [[nodiscard]] bool is_for(std::string_view key, std::string_view model) const;
  friend bool operator==(const ContentRule& a, const ContentRule& b) {
    return a.keys == b.keys && a.models == b.models && a.source == b.source;
  }
};

}  // namespace intragate::config
