// A request, a line feed, and what a reranker or an embedding model made of it: whatever the bytes, an answer is one
// JSON object whose scores lie from 0 to 1, best first, none for a document that was not sent, no more than asked for.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/rerank.h"
#include "fuzz/require.h"
#include "simdjson.h"

namespace {

using namespace intragate;
namespace rerank = dialect::rerank;

void check(const rerank::Asked& asked, const Result<std::string>& made) {
  if (!made) return;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto failed = parser.parse(*made).get(root);
  // What was taken over raw (usage, documents) was not looked into.
  if (failed != simdjson::SUCCESS) return;
  double last = 1;
  std::uint64_t results = 0;
  for (const simdjson::dom::element result : root["results"].get_array()) {
    const double score = result["relevance_score"].get_double();
    fuzz::require(score >= 0 && score <= last, "scores go down from 1 to 0");
    fuzz::require(std::uint64_t{result["index"].get_uint64()} < asked.count, "an index is a document's");
    last = score;
    ++results;
  }
  fuzz::require(results <= asked.count, "no result without a document");
  fuzz::require(asked.top_n == 0 || results <= asked.top_n, "top_n is the most");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(0, line);
  const std::string_view answer = text.substr(std::min(line + 1, text.size()));
  const Result<rerank::Asked> asked = rerank::understand(body);
  if (!asked) return 0;
  for (const auto scores : {rerank::Scores::found_out, rerank::Scores::logits, rerank::Scores::unit}) {
    check(*asked, rerank::answer(*asked, answer, "m", scores));
  }
  (void)rerank::as_embeddings(*asked, "m");
  check(*asked, rerank::from_embeddings(*asked, answer, "m"));
  return 0;
}
