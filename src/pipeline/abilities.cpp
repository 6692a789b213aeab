#include "pipeline/abilities.h"

#include <algorithm>

#include "auth/rules.h"

namespace intragate::pipeline {
namespace {

// The API that the model is asked in.
llm::Api beneath(const Lane& lane, llm::Api api) {
  const bool laid_over = api == llm::Api::messages || api == llm::Api::responses;
  const bool only_chat = api == llm::Api::completions && lane.model.kind == "chat";
  return laid_over || only_chat ? llm::Api::chat : api;
}

// Other dialects than OpenAI's know no others.
bool spoken(const Lane& lane, llm::Api api) {
  if (llm::generates(api) || api == llm::Api::embeddings) return true;
  return std::any_of(lane.converters.begin(), lane.converters.end(), [](const auto& c) { return c == nullptr; });
}

}  // namespace

std::vector<std::string_view> abilities_of(const Lane& lane, const auth::Principal& principal) {
  std::vector<std::string_view> abilities;
  for (std::size_t i = 0; i < llm::kModelApis; ++i) {
    const auto api = static_cast<llm::Api>(i);
    const llm::Api asked = beneath(lane, api);
    if (!spoken(lane, asked) || !check_kind(lane, asked) || !auth::check_api(principal, llm::api_name(api))) continue;
    abilities.push_back(llm::api_name(api));
  }
  return abilities;
}

}  // namespace intragate::pipeline
