// Embeddings, reranking and speech: what Dify takes from their answers, in the order and the form it takes it.
#include <charconv>
#include <cmath>
#include <vector>

#include "check/judge.h"
#include "check/look.h"

namespace intragate::check {
namespace {

constexpr double kSame = 0.9999;  // cosine

Finding failed(Finding found, const Answer& answer, std::string shows) {
  found.verdict = Verdict::bad;
  found.detail = status_and_body(answer);
  found.dify_shows = std::move(shows);
  found.cure = "a `dialect` that fits this server, or another `kind`";
  return found;
}

double number(std::string_view raw) {
  double value = NAN;
  (void)std::from_chars(raw.data(), raw.data() + raw.size(), value);
  return value;
}

std::vector<double> vector_at(const Answer& answer, std::string_view position) {
  std::vector<double> values;
  const std::optional<json::Member> found = look(answer.body, {"data", position, "embedding"});
  if (!found || found->kind != json::Kind::array) return values;
  json::ArrayScan scan{found->value};
  while (const std::optional<json::Member> element = scan.next()) values.push_back(number(element->value));
  return values;
}

bool finite(const std::vector<double>& values) {
  for (const double value : values) {
    if (!std::isfinite(value)) return false;
  }
  return !values.empty();
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return a.size() == b.size() && aa > 0 && bb > 0 ? dot / std::sqrt(aa * bb) : 0;
}

}  // namespace

void judge_embedding(const Answer& answer, Findings& into) {
  Finding found{.id = "B1", .title = "the vector of one text"};
  if (answer.status != 200) {
    into.push_back(failed(std::move(found), answer, std::to_string(answer.status) + " Client Error … for url"));
    return;
  }
  const std::vector<double> vector = vector_at(answer, "0");
  if (!finite(vector)) {
    found.verdict = Verdict::bad;
    found.detail = "`data[0].embedding` is no list of finite numbers";
    found.dify_shows = "an error when the model is saved, or documents without vectors";
    found.cure = "a `dialect` that fits this server";
  } else if (!has(answer.body, {"usage", "total_tokens"}) || !has(answer.body, {"model"})) {
    found.verdict = Verdict::bad;
    found.detail = "`usage.total_tokens` or `model` is missing";
    found.dify_shows = "KeyError, with plugins up to 0.0.34";
    found.cure = "`repair: true` (the default): its repairs `model` and `usage`";
  } else {
    found.detail = std::to_string(vector.size()) + " dimensions";
  }
  into.push_back(std::move(found));
}

void judge_embeddings(const Answer& many, const Answer& one, Findings& into) {
  Finding found{.id = "B2", .title = "several texts at once, in their order"};
  if (many.status != 200) {
    into.push_back(failed(std::move(found), many, "no document is indexed"));
    return;
  }
  const std::size_t count_of_vectors = count(many.body, {"data"});
  const double alike = cosine(vector_at(many, "1"), vector_at(one, "0"));
  if (count_of_vectors != 3) {
    found.detail = std::to_string(count_of_vectors) + " vectors for three texts";
  } else if (alike < kSame) {
    found.detail = "the second text alone has another vector (cosine " + std::to_string(alike) + ")";
  }
  if (!found.detail.empty()) {
    found.verdict = Verdict::bad;
    found.dify_shows = "searches that find the wrong documents, without an error";
    found.cure = "a newer version of the model server; Dify asks for one text at a time, other clients do not";
  }
  into.push_back(std::move(found));
}

void judge_ten(Duration one, Duration ten, Findings& into) {
  Finding found{.id = "B4", .title = "ten texts at once take no three times as long as one"};
  constexpr Duration kNoise = std::chrono::milliseconds{20};
  const auto text = [](Duration time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
  };
  if (one == kNever || ten == kNever) {
    found.verdict = Verdict::open;
    found.detail = one == kNever ? "one alone failed" : "of ten most failed";
    found.cure = "`max_concurrency` at the endpoint";
    into.push_back(std::move(found));
    return;
  }
  found.detail = "one " + text(one) + ", ten " + text(ten);
  if (ten > 3 * one + kNoise) {
    found.verdict = Verdict::open;
    found.dify_shows = "documents that take long to index: it asks for ten texts at once, each by itself";
    found.cure = "a server that puts requests together (micro-batching)";
  }
  into.push_back(std::move(found));
}

void judge_rerank(const Answer& answer, Findings& into) {
  Finding found{.id = "R1", .title = "three documents are ranked"};
  if (answer.status != 200) {
    into.push_back(failed(std::move(found), answer, std::to_string(answer.status) + " Client Error … for url"));
    return;
  }
  const std::optional<json::Member> results = look(answer.body, {"results"});
  double best = -1;
  std::uint64_t best_index = 0;
  std::size_t ranked = 0;
  bool in_range = true;
  json::ArrayScan scan{results && results->kind == json::Kind::array ? results->value : std::string_view{"[]"}};
  while (const std::optional<json::Member> result = scan.next()) {
    const std::optional<json::Member> score = look(result->value, {"relevance_score"});
    const std::optional<json::Member> index = look(result->value, {"index"});
    if (!score || !index) continue;
    ++ranked;
    const double value = number(score->value);
    in_range = in_range && value >= 0 && value <= 1;
    if (value > best || ranked == 1) best_index = json::unsigned_number(index->value).value_or(0);
    best = std::max(best, value);
  }
  if (ranked != 3) {
    found.detail = std::to_string(ranked) + " results with `index` and `relevance_score` for three documents";
    found.dify_shows = "no document, or scores of 0 for all, without an error";
    found.cure = "a `dialect` that fits this server";
  } else if (!in_range) {
    found.detail = "scores outside 0 … 1: the model gives logits";
    found.dify_shows = "a score threshold that keeps everything, or nothing";
    found.cure = "`kind: rerank` at the model: the gateway brings scores to 0 … 1";
  } else if (best_index != 2) {
    found.detail = "Washington D.C. is not first";
    found.dify_shows = "the wrong documents";
    found.cure = "is it a reranking model?";
  }
  if (!found.detail.empty()) found.verdict = Verdict::bad;
  into.push_back(std::move(found));
}

void judge_top_n(const Answer& answer, Findings& into) {
  Finding found{.id = "R2", .title = "top_n is honoured"};
  const std::size_t results = count(answer.body, {"results"});
  if (answer.status == 200 && results == 1) {
    into.push_back(std::move(found));
    return;
  }
  found.verdict = Verdict::bad;
  found.detail = std::to_string(results) + " results for top_n 1";
  found.dify_shows = "more documents in the prompt than the app asked for";
  found.cure = "`kind: rerank` at the model: the gateway cuts the list";
  into.push_back(std::move(found));
}

void judge_speech(const Answer& answer, Findings& into) {
  Finding found{.id = "A1", .title = "a sentence is spoken"};
  if (answer.status != 200 || answer.body.empty()) {
    into.push_back(failed(std::move(found), answer, excerpt(answer.body)));
    return;
  }
  found.detail = std::to_string(answer.body.size()) + " bytes of " + excerpt(answer.content_type);
  into.push_back(std::move(found));
}

void judge_transcription(const Answer& answer, Findings& into) {
  Finding found{.id = "A2", .title = "a recording is written down"};
  if (answer.status != 200) {
    into.push_back(failed(std::move(found), answer, excerpt(answer.body)));
    return;
  }
  if (!look_text(answer.body, {"text"})) {
    found.verdict = Verdict::bad;
    found.detail = "no `text` in the answer: " + excerpt(answer.body);
    found.dify_shows = "an error";
    found.cure = "a `dialect` that fits this server";
  }
  into.push_back(std::move(found));
}

}  // namespace intragate::check
