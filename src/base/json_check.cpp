#include "base/json_check.h"

#include <simdjson.h>

namespace intragate::json {

bool is_object(std::string_view text) {
  simdjson::dom::parser parser;  // its memory goes with it: nobody asks this often
  simdjson::dom::element element;
  const simdjson::padded_string padded{text};
  return parser.parse(padded).get(element) == simdjson::SUCCESS && element.is_object();
}

}  // namespace intragate::json
