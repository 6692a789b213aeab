#include "body_check.h"

#include <string>

#include "answers.h"

namespace intragate::bench {

bool is_whole_body(std::string_view body) {
  if (body.find(kBodyEnd) == std::string_view::npos) return false;
  std::string open;
  bool in_string = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char byte = body[i];
    if (in_string) {
      if (byte == '\\') ++i;
      if (byte == '"') in_string = false;
      continue;
    }
    if (byte == '"') in_string = true;
    if (byte == '{' || byte == '[') open.push_back(byte == '{' ? '}' : ']');
    if (byte != '}' && byte != ']') continue;
    if (open.empty() || open.back() != byte) return false;
    open.pop_back();
    if (open.empty() && i + 1 != body.size()) return false;
  }
  return open.empty() && !in_string;
}

}  // namespace intragate::bench
