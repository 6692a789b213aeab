// Which files an audit directory holds: 00000001.jsonl, 00000002.jsonl.zst, … Owner: none; plain functions. Thread:
// any. Does not: read them (line_reader.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"

namespace intragate::audit {

inline constexpr std::string_view kPlain = ".jsonl";
inline constexpr std::string_view kCompressed = ".jsonl.zst";
// The longest line that a reader takes: more than a record with its texts can become.
inline constexpr std::size_t kLongestLine = std::size_t{4} << 20;

struct AuditFile {
  std::uint64_t number = 0;
  bool compressed = false;
  std::string path;
  [[nodiscard]] std::string name() const { return path.substr(path.rfind('/') + 1); }
};

[[nodiscard]] std::string file_path(const std::string& directory, std::uint64_t number, std::string_view ending);
// Ascending by number. Where a crash left a file in both forms, only the plain one. Errors: io: no such directory.
[[nodiscard]] Result<std::vector<AuditFile>> list_files(const std::string& directory);

[[nodiscard]] Error io_error(std::string what, int cause);

}  // namespace intragate::audit
