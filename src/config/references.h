// What a value may point to instead of holding it: `${NAME}` an environment variable, `file:/path` a secret's file.
// Owner: one load. Thread: any, blocking (reads files). Does not: know keys.
// Errors: invalid_configuration or io, whose messages never hold what was read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/load.h"

namespace intragate::config {

inline constexpr std::size_t kLongestValue = std::size_t{64} * 1024;  // bytes of one value after replacing

// `written` with every ${NAME} replaced; what is put in is not looked at again. `$${` stands for a plain `${`.
// Errors: a name that is not set, anything else behind `${`, a value above kLongestValue.
[[nodiscard]] Result<std::string> expand(std::string_view written, const Environment& environment);

// `path` itself when absolute, or else below `folder` (empty: as it is).
[[nodiscard]] std::string resolve(const std::string& folder, std::string_view path);

// The whole of a regular file. Errors: io: not there, not a regular file, unreadable, or larger than `most` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t most);

// The same of a file with a secret. Errors also: io: every user can write it.
[[nodiscard]] Result<std::string> read_private_file(const std::string& path, std::size_t most);

// What is to be said of a file with a secret in it that every user can read; nothing: they cannot, or it is not there.
[[nodiscard]] std::optional<std::string> exposure_remark(const std::string& path);

// The file that `value` names by file:/path; nothing: it is the secret itself.
[[nodiscard]] std::optional<std::string> secret_file(std::string_view value, const std::string& folder);

// The secret that `value` holds, or, when it says file:/path, that file without its last line end.
// Errors: an empty secret, an unreadable file, one that every user can write.
[[nodiscard]] Result<Secret> read_secret(std::string_view value, const std::string& folder);

}  // namespace intragate::config
