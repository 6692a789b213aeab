#include "dialect/rerank.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::dialect::rerank {
namespace {

using json::Kind;
using json::Member;

constexpr std::uint64_t kMostDocuments = 10'000;

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

Error malformed(std::string detail) {
  return make_error(Code::upstream_malformed, "The model's answer is no reranking.").because(std::move(detail));
}

std::optional<double> number(std::string_view raw) {
  double value = 0;
  const auto [end, failed] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  const bool good = failed == std::errc{} && end == raw.data() + raw.size() && std::isfinite(value);
  return good ? std::optional{value} : std::nullopt;
}

struct Scored {
  std::uint64_t index = 0;
  double score = 0;
};
using Ranking = std::vector<Scored>;

std::optional<Scored> read_scored(std::string_view object) {
  Scored scored;
  bool has_index = false;
  bool has_score = false;
  json::ObjectScan scan{object};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "index")) {
      const std::optional<std::uint64_t> index = json::unsigned_number(member->value);
      if (!index) return std::nullopt;
      scored.index = *index;
      has_index = true;
    } else if (json::key_is(*member, "relevance_score") || json::key_is(*member, "score")) {
      const std::optional<double> score = number(member->value);
      if (!score) return std::nullopt;
      scored.score = *score;
      has_score = true;
    }
  }
  return has_index && has_score ? std::optional{scored} : std::nullopt;
}

// The array with the results, wherever a server puts it.
std::optional<std::string_view> find_results(std::string_view answer) {
  const std::size_t first = answer.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  if (answer[first] == '[') return answer.substr(first);  // text-embeddings-inference
  json::ObjectScan scan{answer};
  while (const std::optional<Member> member = scan.next()) {
    const bool named = json::key_is(*member, "results") || json::key_is(*member, "data");
    if (named && member->kind == Kind::array) return member->value;
  }
  return std::nullopt;
}

// `usage`, or nothing.
std::string_view find_usage(std::string_view answer) {
  json::ObjectScan scan{answer};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "usage") && member->kind == Kind::object) return member->value;
  }
  return {};
}

Result<Ranking> read_ranking(const Asked& asked, std::string_view answer) {
  const std::optional<std::string_view> results = find_results(answer);
  if (!results) return malformed("no `results`");
  Ranking ranking;
  std::vector<bool> seen(asked.count);
  json::ArrayScan scan{*results};
  while (const std::optional<Member> element = scan.next()) {
    const std::optional<Scored> scored = read_scored(element->value);
    if (!scored) return malformed("a result without `index` or `relevance_score`");
    if (scored->index >= asked.count || seen[scored->index])
      return malformed("a result for no document, or a second one");
    seen[scored->index] = true;
    ranking.push_back(*scored);
  }
  if (scan.failed()) return malformed("not JSON");
  return ranking;
}

void bring_to_unit(Ranking& ranking, Scores scores) {
  const auto outside = [](const Scored& scored) { return scored.score < 0 || scored.score > 1; };
  const bool logits =
      scores == Scores::logits || (scores == Scores::found_out && std::any_of(ranking.begin(), ranking.end(), outside));
  for (Scored& scored : ranking) {
    scored.score = logits ? 1 / (1 + std::exp(-scored.score)) : std::clamp(scored.score, 0.0, 1.0);
  }
}

void append_number(std::string& out, double value) {
  std::array<char, 32> digits;
  const auto [end, failed] = std::to_chars(digits.begin(), digits.end(), value);
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

// The raw documents, one after the other.
std::vector<std::string_view> documents_of(const Asked& asked) {
  std::vector<std::string_view> documents;
  documents.reserve(asked.count);
  json::ArrayScan scan{asked.documents};
  while (const std::optional<Member> element = scan.next()) documents.push_back(element->value);
  return documents;
}

// Jina's form: {"text": …}; what the client sent if the model gave nothing back.
void append_document(std::string& out, std::string_view document) {
  out += R"(,"document":)";
  const bool text = document.starts_with('"');
  if (text) out += R"({"text":)";
  out += document;
  if (text) out += '}';
}

std::string write(const Asked& asked, Ranking ranking, std::string_view model, std::string_view usage) {
  std::stable_sort(ranking.begin(), ranking.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  if (asked.top_n > 0 && ranking.size() > asked.top_n) ranking.resize(asked.top_n);
  std::vector<std::string_view> documents;
  if (asked.documents_back) documents = documents_of(asked);
  std::string out = R"({"model":)";
  json::append_string(out, model);
  out += R"(,"object":"list","results":[)";
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    if (i > 0) out += ',';
    out += R"({"index":)" + std::to_string(ranking[i].index) + R"(,"relevance_score":)";
    append_number(out, ranking[i].score);
    if (asked.documents_back) append_document(out, documents[ranking[i].index]);
    out += '}';
  }
  out += ']';
  if (!usage.empty()) out.append(R"(,"usage":)").append(usage);
  return out + '}';
}

// The text of a document: the string itself, or the `text` of an object; empty: neither.
std::string_view text_of(std::string_view document) {
  if (document.starts_with('"')) return document;
  if (!document.starts_with('{')) return {};
  json::ObjectScan scan{document};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "text") && member->kind == Kind::string) return member->value;
  }
  return {};
}

// One vector of a `data` element; empty: it has none.
std::vector<double> read_vector(std::string_view object) {
  std::vector<double> vector;
  json::ObjectScan scan{object};
  while (const std::optional<Member> member = scan.next()) {
    if (!json::key_is(*member, "embedding") || member->kind != Kind::array) continue;
    json::ArrayScan values{member->value};
    while (const std::optional<Member> value = values.next()) {
      const std::optional<double> one = number(value->value);
      if (!one) return {};
      vector.push_back(*one);
    }
  }
  return vector;
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0 && bb > 0 ? std::clamp(dot / std::sqrt(aa * bb), 0.0, 1.0) : 0;
}

Result<Unit> read_member(Asked& asked, const Member& member) {
  if (json::key_is(member, "query")) {
    if (member.kind != Kind::string) return invalid("The request's `query` must be a string.");
    asked.query = member.value;
  } else if (json::key_is(member, "documents")) {
    if (member.kind != Kind::array) return invalid("The request's `documents` must be a list.");
    asked.documents = member.value;
  } else if (json::key_is(member, "top_n") && member.kind != Kind::null) {
    const std::optional<std::uint64_t> top_n = json::unsigned_number(member.value);
    if (!top_n || *top_n == 0) return invalid("The request's `top_n` must be a whole number from 1 on.");
    asked.top_n = *top_n;
  } else if (json::key_is(member, "return_documents")) {
    asked.documents_back = member.value == "true";
  }
  return Unit{};
}

}  // namespace

Result<Asked> understand(std::string_view body) {
  Asked asked;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    Result<Unit> read = read_member(asked, *member);
    if (!read) return std::move(read).error();
  }
  if (asked.query.empty()) return invalid("The request has no `query`.");
  json::ArrayScan documents{asked.documents};
  while (!asked.documents.empty() && asked.count <= kMostDocuments && documents.next()) ++asked.count;
  if (asked.count == 0) return invalid("The request has no `documents`.");
  if (asked.count > kMostDocuments) {
    return invalid("The request has more than " + std::to_string(kMostDocuments) + " `documents`.");
  }
  return asked;
}

Result<std::string> answer(const Asked& asked, std::string_view from_model, std::string_view model, Scores scores) {
  Result<Ranking> ranking = read_ranking(asked, from_model);
  if (!ranking) return std::move(ranking).error();
  bring_to_unit(*ranking, scores);
  return write(asked, *std::move(ranking), model, find_usage(from_model));
}

Result<std::string> as_embeddings(const Asked& asked, std::string_view model) {
  std::string out = R"({"model":)";
  json::append_string(out, model);
  out.append(R"(,"input":[)").append(asked.query);
  for (const std::string_view document : documents_of(asked)) {
    const std::string_view text = text_of(document);
    if (text.empty()) return invalid("Each of the request's `documents` must be a string or have a `text`.");
    out.append(",").append(text);
  }
  return out + R"(],"encoding_format":"float"})";
}

Result<std::string> from_embeddings(const Asked& asked, std::string_view from_model, std::string_view model) {
  const std::optional<std::string_view> data = find_results(from_model);
  if (!data) return malformed("no `data`");
  std::vector<double> query;
  Ranking ranking;
  json::ArrayScan scan{*data};
  for (std::uint64_t i = 0; const std::optional<Member> element = scan.next(); ++i) {
    const std::vector<double> vector = read_vector(element->value);
    if (vector.empty() || (i > 0 && vector.size() != query.size()) || i > asked.count) {
      return malformed("vector " + std::to_string(i) + " is none, of another size, or one too many");
    }
    if (i == 0) {
      query = vector;
    } else {
      ranking.push_back({.index = i - 1, .score = cosine(query, vector)});
    }
  }
  if (scan.failed() || ranking.size() != asked.count) return malformed("not as many vectors as texts");
  return write(asked, std::move(ranking), model, find_usage(from_model));
}

}  // namespace intragate::dialect::rerank
