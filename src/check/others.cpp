#include "check/others.h"

#include <algorithm>
#include <array>
#include <utility>

#include "check/at_once.h"
#include "check/bodies.h"
#include "check/judge.h"

namespace intragate::check {
namespace {

constexpr std::string_view kVectors = "/embeddings";

Question vector_of(const Asker& asker, std::string_view inputs_json) {
  return post(std::string{kVectors}, embedding(asker.model(), inputs_json));
}

net::Task<void> ask_several(Asker& asker) {
  constexpr const char* kTitle = "several texts at once, in their order";
  Question question = vector_of(asker, R"(["the cat","a bank in the city","你好，世界"])");
  std::optional<Answer> many = co_await asker.ask("B2", kTitle, std::move(question));
  question = vector_of(asker, R"(["a bank in the city"])");
  std::optional<Answer> one = co_await asker.ask("B2", kTitle, std::move(question));
  if (many && one) judge_embeddings(*many, *one, asker.findings());
}

net::Task<void> ask_long_text(Asker& asker) {
  constexpr std::uint64_t kLargest = 300'000;
  const std::uint64_t window = asker.report().profile.context_window;
  Finding found{.id = "B3", .title = "a text longer than the model's window", .verdict = Verdict::open};
  if (window == 0 || window > kLargest) {
    found.detail = window == 0 ? "the server does not list its window" : "too large to try";
    found.cure = "`context_window` at the model";
    asker.findings().push_back(std::move(found));
    co_return;
  }
  Question question = post(std::string{kVectors}, long_embedding(asker.model(), window + 64));
  std::optional<Answer> answer = co_await asker.ask(found.id, found.title, std::move(question));
  if (answer) judge_long_text(*answer, asker.findings());
}

net::Task<void> ask_ten(Asker& asker) {
  constexpr std::uint32_t kTen = 10;
  const std::string path{kVectors};
  const std::string body = embedding(asker.model(), R"(["a bank in the city"])");
  std::array<Duration, 3> single{};
  for (Duration& one : single) one = co_await median_at_once(asker, path, body, Watch::end, 1);
  std::sort(single.begin(), single.end());
  const Duration ten = co_await median_at_once(asker, path, body, Watch::end, kTen);
  judge_ten(single[1], ten, asker.findings());
}

}  // namespace

net::Task<void> ask_embeddings(Asker& asker) {
  Question question = vector_of(asker, R"(["ping"])");
  std::optional<Answer> answer = co_await asker.ask("B1", "the vector of one text", std::move(question));
  if (!answer) co_return;
  judge_connection(*answer, kVectors, asker.findings());
  judge_embedding(*answer, asker.findings());
  if (answer->status != 200) co_return;
  co_await ask_several(asker);
  co_await ask_long_text(asker);
  co_await ask_ten(asker);
  question = vector_of(asker, R"(["ping"])");
  answer = co_await asker.ask_as_nobody("B5", "an empty Authorization header", std::move(question));
  if (answer) judge_empty_key(*answer, asker.findings());
  co_await asker.ask_refusals(std::string{kVectors}, embedding(asker.model(), R"(["ping"])"));
}

net::Task<void> ask_rerank(Asker& asker) {
  Question question = post("/rerank", validation_rerank(asker.model(), 3));
  std::optional<Answer> answer = co_await asker.ask("R1", "three documents are ranked", std::move(question));
  if (!answer) co_return;
  judge_connection(*answer, "/rerank", asker.findings());
  judge_rerank(*answer, asker.findings());
  if (answer->status != 200) co_return;
  question = post("/rerank", validation_rerank(asker.model(), 1));
  answer = co_await asker.ask("R2", "top_n is honoured", std::move(question));
  if (answer) judge_top_n(*answer, asker.findings());
  co_await asker.ask_refusals("/rerank", validation_rerank(asker.model(), 3));
}

net::Task<void> ask_speech(Asker& asker) {
  const std::string path = "/audio/speech";
  Question question = post(path, speech(asker.model(), "alloy"));
  std::optional<Answer> answer = co_await asker.ask("A1", "a sentence is spoken", std::move(question));
  if (!answer) co_return;
  judge_connection(*answer, path, asker.findings());
  judge_speech(*answer, asker.findings());
  question = post(path, speech(asker.model(), "intragate-check-no-such-voice"));
  answer = co_await asker.ask("A3", "an unknown voice is refused", std::move(question));
  if (answer) judge_unknown_voice(*answer, asker.findings());
  co_await asker.ask_refusals(path, speech(asker.model(), "alloy"));
}

net::Task<void> ask_transcription(Asker& asker) {
  Question question = post("/audio/transcriptions", transcription(asker.model()));
  question.content_type = "multipart/form-data; boundary=" + std::string{kBoundary};
  Question again = question;
  std::optional<Answer> answer = co_await asker.ask("A2", "a recording is written down", std::move(question));
  if (!answer) co_return;
  judge_connection(*answer, "/audio/transcriptions", asker.findings());
  judge_transcription(*answer, asker.findings());
  answer = co_await asker.ask_as_stranger("E1", "a wrong key is refused", std::move(again));
  if (answer) judge_wrong_key(*answer, asker.findings());
}

}  // namespace intragate::check
