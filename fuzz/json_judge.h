// is_object(): what simdjson, which the gateway does without, takes for one JSON object, in all its depth.
#pragma once

#include <simdjson.h>

#include <string_view>

namespace fuzz {

inline bool is_object(std::string_view text) {
  static simdjson::dom::parser parser;
  const simdjson::padded_string padded{text};
  simdjson::dom::element element;
  return parser.parse(padded).get(element) == simdjson::SUCCESS && element.is_object();
}

}  // namespace fuzz
