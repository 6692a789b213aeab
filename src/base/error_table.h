// The one table of errors: what each code means to HTTP, to OpenAI clients and to the audit record.
// Does not: build messages (whoever makes the error knows the circumstances).
#pragma once

#include <string_view>

#include "base/error.h"

namespace intragate {

struct ErrorRow {
  Code code;
  std::string_view name;     // `error.code` in the answer, `error` in the audit record
  int status;                // HTTP status; 499 is never sent
  std::string_view type;     // `error.type` in the answer, OpenAI's words where they exist
  Fault fault;               // default
  Retry retry;               // default
  bool retry_after;          // the answer must carry Retry-After
  std::string_view outcome;  // in the audit record
};

[[nodiscard]] const ErrorRow& error_row(Code code) noexcept;

// Seconds for a Retry-After header: at least 1, rounded up; `fallback` when the error names none.
[[nodiscard]] int retry_after_seconds(const Error& error, int fallback = 1) noexcept;

}  // namespace intragate
