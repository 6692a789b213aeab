// Reranking: the answers of every known server in the one form that Dify reads, and rerankings made from vectors where
// the model is an embedding model. Pure functions over bytes. No I/O, no clock, no state.
// Source: Jina's and Cohere's /v1/rerank, which Dify's providers send; the answers of llama.cpp (logits), vLLM,
// text-embeddings-inference ([{"index","score"}]) and Jina.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "llm/usage.h"

namespace intragate::dialect::rerank {

// How a model scores. found_out: logits if any score of the answer lies outside 0 … 1.
enum class Scores : std::uint8_t { found_out, logits, unit };

struct Asked {
  std::string_view query;       // raw JSON string
  std::string_view documents;   // raw JSON array, 1 … 10,000 elements
  std::uint64_t top_n = 0;      // 0: all
  std::uint64_t count = 0;      // of documents
  bool documents_back = false;  // return_documents
};
// Errors: invalid_request: no `query`, no `documents`, or not of these kinds; `top_n` no whole number from 1 on.
[[nodiscard]] Result<Asked> understand(std::string_view body);

// {"model","object":"list","results":[{"index","relevance_score","document"?}],"usage"}: the best first, at most top_n,
// relevance_score from 0 to 1, index within the documents asked about. `model`: the name the client knows.
// Errors: upstream_malformed: none of the known shapes, or an index or a score that is none.
[[nodiscard]] Result<std::string> answer(const Asked& asked, std::string_view from_model, std::string_view model,
                                         Scores scores);

// The request for embeddings of the query and, behind it, of all documents; those that are objects by their `text`.
// Errors: invalid_request: a document that is neither a string nor has a `text`.
[[nodiscard]] Result<std::string> as_embeddings(const Asked& asked, std::string_view model);
// What such an answer says: relevance_score is the cosine of document and query, 0 where it is negative.
// Errors: upstream_malformed: not as many vectors as texts, or not all of one size.
[[nodiscard]] Result<std::string> from_embeddings(const Asked& asked, std::string_view from_model,
                                                  std::string_view model);

}  // namespace intragate::dialect::rerank
