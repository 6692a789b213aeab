// Which records somebody asked for, and the fields of a line as an export shows them. Plain functions over lines,
// without building them. Owner: a plain value. Thread: any. Does not: check the chain (verify.h).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace intragate::audit {

struct Filter {
  enum class What : std::uint8_t { everything, calls, events } what = What::everything;
  std::string since{};     // RFC 3339 as in `time`, inclusive; empty: from the beginning
  std::string until{};     // exclusive; empty: to the end
  std::uint64_t from = 0;  // of `seq`, inclusive
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();  // likewise
  // Each a value that the field must have; empty: any.
  std::string id{};    // request_id
  std::string key{};   // principal
  std::string user{};  // end_user
  std::string model{};
  std::string outcome{};
  std::string event{};
};

// Reads a line's members once; made for a filter, used for many lines.
class Matcher {
 public:
  explicit Matcher(const Filter& filter);
  [[nodiscard]] bool matches(std::string_view line) const;

 private:
  struct Wanted {
    std::string_view field;
    std::string value;  // as JSON, with quotes
  };
  Filter::What what_;
  std::uint64_t from_;
  std::uint64_t to_;
  std::string since_;
  std::string until_;
  std::vector<Wanted> wanted_;
};

// The fields of an export's columns, in their order; `event` and `detail` are empty for calls.
[[nodiscard]] const std::vector<std::string_view>& columns();
// The line's members by those columns: raw JSON, empty where it has none.
[[nodiscard]] std::vector<std::string_view> members_of(std::string_view line);
// A raw member as text: strings without quotes and escapes, null as nothing, the rest as it stands.
[[nodiscard]] std::string plain(std::string_view member);

// Rule: RFC 4180. A text that a spreadsheet would take for a formula gets a leading apostrophe.
[[nodiscard]] std::string csv_head();
[[nodiscard]] std::string csv_row(std::string_view line);

}  // namespace intragate::audit
