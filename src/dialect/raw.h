// Raw JSON as clients and models write it, looked at from outside: what is a number, what a pointer leads to, which
// schema an answer has to fit. Owner: the caller; views point into what was passed. Thread: any (pure).
#pragma once

#include <optional>
#include <string_view>

#include "base/json_scan.h"

namespace intragate::dialect {

[[nodiscard]] inline bool is_number(std::string_view raw) {
  return !raw.empty() && (raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9'));
}

// The value that a JSON pointer (RFC 6901) leads to; nothing if there is none. "" is the whole text.
[[nodiscard]] std::optional<json::Member> follow(std::string_view text, std::string_view pointer);

// Of `response_format`: {"type":"json_object"} or {"type":"json_schema","json_schema":{"schema":{…}}}.
struct AnswerFormat {
  bool json = false;
  std::string_view schema;  // an object; empty: any
};
[[nodiscard]] AnswerFormat answer_format(std::string_view response_format);

}  // namespace intragate::dialect
