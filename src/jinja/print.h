// Values as text: as `{{ value }}` shows them (Python's str and repr), and as JSON (Python's json.dumps, which is what
// Hugging Face's `tojson` is).
// Owner: the caller. Thread: any. Does not: escape for HTML.
#pragma once

#include <optional>
#include <string>

#include "jinja/value.h"
#include "jinja/work.h"

namespace intragate::jinja {

void append_text(std::string& out, const Value& value, Work& work);
[[nodiscard]] std::string text_of(const Value& value, Work& work);

struct JsonForm {
  std::optional<std::string> indent;  // of each level; none: all in one line
  std::string between_items = ", ";
  std::string behind_key = ": ";
  bool only_ascii = false;
  bool sort_keys = false;
};
// Values that JSON does not have are a failure.
void append_json(std::string& out, const Value& value, const JsonForm& form, Work& work);

}  // namespace intragate::jinja
