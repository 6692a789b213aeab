// What a model can be used for, as clients are told in /v1/models. Pure. Thread: any. Does not: ask the model.
#pragma once

#include <string_view>
#include <vector>

#include "auth/keyring.h"
#include "pipeline/snapshot.h"

namespace intragate::pipeline {

// The APIs, by llm::api_name(), that a model of this kind answers, and its endpoints' dialects know, and this principal
// may use.
[[nodiscard]] std::vector<std::string_view> abilities_of(const Lane& lane, const auth::Principal& principal);

}  // namespace intragate::pipeline
