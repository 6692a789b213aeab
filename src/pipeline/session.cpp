#include "pipeline/session.h"

#include "base/hash.h"
#include "dialect/openai.h"

namespace intragate::pipeline {

std::uint64_t session_of(const SessionParts& parts) {
  const std::uint64_t key = hash_of(parts.key, 0);
  if (!parts.header.empty()) return hash_of(parts.header.substr(0, dialect::openai::kSessionPrefix), key);
  return hash_of(dialect::openai::session_prefix(parts.call, parts.body), hash_of(parts.call.user, key));
}

}  // namespace intragate::pipeline
