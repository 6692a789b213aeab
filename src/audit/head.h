// The head of a chain: `head.json` beside its files, which says what the last record was, so that records cut off from
// the end are missed. Written at most every 100 ms by a rename, always after the records. Owner: Files writes it,
// verify reads it. Thread: any.
#pragma once

#include <optional>
#include <string>

#include "audit/chain.h"
#include "base/result.h"
#include "base/time.h"

namespace intragate::audit {

struct Head {
  Link last;
  std::string signature;  // empty: not signed
};

[[nodiscard]] std::string head_json(const Head& head, WallTime now);
// Nothing: not what head_json() makes.
[[nodiscard]] std::optional<Head> parse_head(std::string_view text);

[[nodiscard]] std::string head_path(const std::string& directory);
// Nothing: there is none. Errors: io, also for one that cannot be understood.
[[nodiscard]] Result<std::optional<Head>> read_head(const std::string& directory);
// Errors: io; the old one stays then.
Result<Unit> write_head(const std::string& directory, const Head& head, WallTime now);

}  // namespace intragate::audit
