// One call of something that Jinja brings along: what it works on, its arguments, and what it may spend.
// Owner: the renderer, for the length of the call. Thread: one. Does not: check that there are no arguments too many.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/value.h"
#include "jinja/work.h"

namespace intragate::jinja {

struct Call {
  Work& work;
  Value self;  // what stands before `|`, `is` or `.`
  std::vector<Value> arguments;
  std::vector<std::pair<std::string, Value>> named;

  // The argument with that place or name; null when it is not given.
  [[nodiscard]] const Value* argument(std::size_t place, std::string_view name) const {
    if (place < arguments.size()) return &arguments[place];
    for (const auto& [given, value] : named) {
      if (given == name) return &value;
    }
    return nullptr;
  }
  [[nodiscard]] bool flag(std::size_t place, std::string_view name, bool otherwise) const {
    const Value* const given = argument(place, name);
    return given == nullptr ? otherwise : given->truth();
  }
  // A whole number or a text; another kind is a failure.
  [[nodiscard]] std::int64_t number(std::size_t place, std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] std::string text(std::size_t place, std::string_view name, std::string_view otherwise) const;
};

}  // namespace intragate::jinja
