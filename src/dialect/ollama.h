// Ollama's own API: /api/chat, /api/generate, /api/embed, streams of one JSON value a line. Source: Ollama's API
// documentation (docs/api.md, v0.12) and its OpenAI adapter (openai/openai.go), whose choices are kept where the two
// APIs differ. Pure; see converter.h.
#pragma once

#include "dialect/converter.h"

namespace intragate::dialect {

[[nodiscard]] Result<std::unique_ptr<const Converter>> make_ollama(const config::Endpoint& endpoint);

}  // namespace intragate::dialect
