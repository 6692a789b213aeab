#include "check/suite.h"

#include <algorithm>
#include <array>
#include <utility>

#include "check/bodies.h"
#include "check/judge.h"
#include "check/look.h"
#include "dialect/engine_load.h"
#include "dialect/openai.h"
#include "net/loop.h"

namespace intragate::check {
namespace {

constexpr std::uint32_t kStreamTokens = 40;
constexpr std::uint32_t kEndlessTokens = 4000;  // longer than anybody waits here
constexpr Duration kStopPatience = std::chrono::seconds{3};
constexpr Duration kNoise = std::chrono::milliseconds{20};  // of a first byte
constexpr Duration kLook = std::chrono::milliseconds{50};

config::Endpoint with_wrong_key(config::Endpoint endpoint) {
  endpoint.auth = {.type = config::AuthType::bearer, .header = {}, .key = config::Secret{"sk-intragate-check-no-key"}};
  return endpoint;
}

long long milliseconds(Duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

// How many calls an engine works at, by a page of its own; nothing when it has no such page.
std::optional<std::size_t> running_in(std::string_view page) {
  std::size_t slots = 0;
  constexpr std::string_view kBusy = "\"is_processing\":true";
  if (page.find("\"is_processing\"") != std::string_view::npos) {
    for (std::size_t at = page.find(kBusy); at != std::string_view::npos; at = page.find(kBusy, at + 1)) ++slots;
    return slots;
  }
  const std::optional<double> gauge = dialect::read_engine_running(page);
  return gauge ? std::optional{static_cast<std::size_t>(*gauge)} : std::nullopt;
}

// Made by functions: GCC 12 destroys an aggregate within a co_await expression twice.
Question post(std::string path, std::string body) {
  return {.path = std::move(path), .body = std::move(body)};
}

Question get(std::string_view path) {
  return {.path = std::string{path}, .body = {}};
}

Finding optional_part(std::string id, std::string title, std::string shows, std::string cure) {
  return {.id = std::move(id), .title = std::move(title), .dify_shows = std::move(shows), .cure = std::move(cure)};
}

class Suite {
 public:
  Suite(net::Loop& loop, Target target)
      : loop_{loop},
        target_{std::move(target)},
        wire_{loop, target_.egress},
        stranger_{std::make_shared<upstream::Endpoint>("stranger", with_wrong_key(target_.endpoint->configured()),
                                                       config::Health{})} {
    report_.title = target_.title;
    report_.kind = target_.kind.empty() ? "chat" : target_.kind;
    report_.profile.context_window = target_.context_window;
  }

  net::Task<Report> run() {
    co_await list_models();
    co_await ask_props();
    report_.model = target_.model;
    if (report_.kind == "embedding") {
      co_await embeddings();
    } else if (report_.kind == "rerank") {
      co_await rerank();
    } else if (report_.kind == "speech") {
      co_await speech_and_errors();
    } else if (report_.kind == "transcription") {
      co_await transcription_and_errors();
    } else {
      co_await texts(report_.kind == "completion" ? Chat::completion : Chat::chat);
    }
    if (reached_) add_connections();
    co_return std::move(report_);
  }

 private:
  // An answer, or nothing after a finding that says why there is none.
  net::Task<std::optional<Answer>> ask(std::string id, std::string title, Question question) {
    ++connections_;
    Result<Answer> answer = co_await wire_.ask(target_.endpoint, std::move(question));
    if (answer) {
      reached_ = true;
      co_return *std::move(answer);
    }
    report_.findings.push_back({.id = std::move(id),
                                .title = std::move(title),
                                .verdict = Verdict::bad,
                                .detail = "no answer: " + answer.error().detail,
                                .dify_shows = "Server Unavailable Error, or Connection Error",
                                .cure = "is the address right, and does the server listen there?"});
    co_return std::nullopt;
  }

  net::Task<void> list_models() {
    ++connections_;
    Result<Answer> answer = co_await wire_.ask(target_.endpoint, get("/models"));
    if (!answer || answer->status != 200) co_return;  // Dify never asks for the list either
    Result<std::vector<std::string>> names = dialect::openai::decode_models(answer->body);
    if (!names) co_return;
    report_.profile.models = *std::move(names);
    if (target_.model.empty() && !report_.profile.models.empty()) target_.model = report_.profile.models.front();
    if (report_.profile.context_window == 0) report_.profile.context_window = window_in(answer->body);
  }

  // llama.cpp: what one of its slots can hold.
  net::Task<void> ask_props() {
    if (report_.profile.context_window > 0) co_return;
    ++connections_;
    Question question = get("/props");
    question.from_root = true;
    Result<Answer> answer = co_await wire_.ask(target_.endpoint, std::move(question));
    if (!answer || answer->status != 200) co_return;
    const std::optional<json::Member> found = look(answer->body, {"default_generation_settings", "n_ctx"});
    if (found) report_.profile.context_window = json::unsigned_number(found->value).value_or(0);
  }

  // vLLM and SGLang say max_model_len, intragate context_window; llama.cpp's n_ctx_train is not what it runs with.
  [[nodiscard]] std::uint64_t window_in(std::string_view list) const {
    for (std::size_t i = 0; i < report_.profile.models.size(); ++i) {
      const std::string at = std::to_string(i);
      if (look_text(list, {"data", at, "id"}).value_or("") != target_.model) continue;
      for (const std::string_view name : {"max_model_len", "context_window"}) {
        const std::optional<json::Member> found = look(list, {"data", at, name});
        if (found) return json::unsigned_number(found->value).value_or(0);
      }
    }
    return 0;
  }

  net::Task<void> texts(Chat chat) {
    const bool is_chat = chat == Chat::chat;
    const std::string path = is_chat ? "/chat/completions" : "/completions";
    const std::string validation = is_chat ? validation_chat(target_.model) : validation_completion(target_.model);
    std::optional<Answer> answer =
        co_await ask(is_chat ? "N1" : "N3", "the request that Dify saves a model with", post(path, validation));
    if (!answer) co_return;
    judge_connection(*answer, path, report_.findings);
    judge_answer(*answer, chat, report_.findings);
    if (answer->status != 200) co_return;
    const std::string stream =
        is_chat ? stream_chat(target_.model, kStreamTokens) : stream_completion(target_.model, kStreamTokens);
    answer = co_await ask("S1", "a stream", post(path, stream));
    if (answer) judge_stream(*answer, chat, report_.findings);
    if (is_chat) co_await tools_and_more();
    co_await errors(path, validation);
    if (is_chat) co_await window();
    co_await cancellation(path, chat);
    co_await concurrency(path, chat);
  }

  net::Task<void> tools_and_more() {
    std::optional<Answer> answer =
        co_await ask("T1", "a tool is called", post("/chat/completions", tool_chat(target_.model, Streamed::no)));
    if (answer) judge_tool_call(*answer, report_.findings);
    answer = co_await ask("T2", "a tool is called in a stream",
                          post("/chat/completions", tool_chat(target_.model, Streamed::yes)));
    if (answer) judge_tool_stream(*answer, report_.findings);
    co_await accepts(
        optional_part("T3", "a conversation in which a tool has answered",
                      "agents that fail after their first tool call", "function calling `no_call` in Dify's form"),
        tool_history(target_.model));
    co_await accepts(optional_part("E3", "fields that only Dify knows",
                                   "an error as soon as a switch for thinking or user identity is on",
                                   "leave these switches off in Dify's form"),
                     extended_chat(target_.model));
    co_await accepts(
        optional_part("C5", "a request of 16 MiB, as with pictures", "an error when somebody adds a large picture",
                      "a larger limit at the server, or at the proxy in front of it"),
        large_chat(target_.model));
    co_await accepts(optional_part("J1", "an answer in the form of a JSON schema", "structured output that fails",
                                   "leave structured output `not_supported` in Dify's form"),
                     schema_chat(target_.model));
    co_await accepts(optional_part("V1", "an image as a data URI", "an error when somebody adds a picture",
                                   "leave vision `no_support` in Dify's form"),
                     image_chat(target_.model));
  }

  // What a server may refuse without being wrong: then it is said what that means.
  net::Task<void> accepts(Finding found, std::string body) {
    std::optional<Answer> answer = co_await ask(found.id, found.title, post("/chat/completions", std::move(body)));
    if (!answer) co_return;
    if (answer->status != 200) {
      found.verdict = Verdict::open;
      found.detail = "status " + std::to_string(answer->status) + ": " + excerpt(answer->body);
    }
    report_.findings.push_back(std::move(found));
  }

  net::Task<void> errors(std::string path, std::string validation) {
    ++connections_;
    Result<Answer> stranger = co_await wire_.ask(stranger_, post(path, std::move(validation)));
    if (stranger) judge_wrong_key(*stranger, report_.findings);
    const std::string nobody = path == "/completions" ? validation_completion("intragate-check-no-such-model")
                                                      : validation_chat("intragate-check-no-such-model");
    std::optional<Answer> answer = co_await ask("E2", "an unknown model is refused", post(path, nobody));
    if (answer) judge_unknown_model(*answer, report_.findings);
    answer = co_await ask("E4", "a body that is no JSON is refused", post(path, "{\"model\":\"x\",\"messages\":[{"));
    if (answer) judge_malformed(*answer, report_.findings);
  }

  net::Task<void> window() {
    constexpr std::uint64_t kLargest = 300'000;  // a request of 1 MB
    const std::uint64_t window = report_.profile.context_window;
    if (window == 0 || window > kLargest) {
      report_.findings.push_back({.id = "W1",
                                  .title = "a prompt longer than the context window",
                                  .verdict = Verdict::open,
                                  .detail = window == 0 ? "the server does not list its window" : "too large to try",
                                  .cure = "`context_window` at the model"});
      co_return;
    }
    std::optional<Answer> answer = co_await ask("W1", "a prompt longer than the context window",
                                                post("/chat/completions", long_chat(target_.model, window + 64)));
    if (answer) judge_too_long(*answer, report_.findings);
  }

  // The engine's own word for what it works at.
  net::Task<std::optional<std::size_t>> running() {
    for (const std::string_view page : {"/slots", "/metrics"}) {
      ++connections_;
      Question question = get(page);
      question.from_root = true;
      Result<Answer> answer = co_await wire_.ask(target_.endpoint, std::move(question));
      if (!answer || answer->status != 200) continue;
      const std::optional<std::size_t> found = running_in(answer->body);
      if (found) co_return found;
    }
    co_return std::nullopt;
  }

  net::Task<void> cancellation(std::string path, Chat chat) {
    Finding found{.id = "X1", .title = "the model stops when its caller leaves"};
    const std::optional<std::size_t> before = co_await running();
    Question question = post(path, chat == Chat::chat ? stream_chat(target_.model, kEndlessTokens)
                                                      : stream_completion(target_.model, kEndlessTokens));
    question.leave_after = 1;
    std::optional<Answer> answer = co_await ask("X1", found.title, std::move(question));
    if (!answer) co_return;
    const TimePoint left = loop_.fresh_now();
    std::optional<std::size_t> now = before;
    while (before && loop_.fresh_now() - left < kStopPatience) {
      now = co_await running();
      if (now && *now <= *before) break;
      (void)co_await net::Pause{loop_, {Deadline::in(loop_.now(), kLook), nullptr}};
    }
    if (!before) {
      found.verdict = Verdict::open;
      found.detail = "the server has no page (/slots, /metrics) that tells";
    } else if (now && *now > *before) {
      found.verdict = Verdict::bad;
      found.detail = "it still worked " + std::to_string(milliseconds(kStopPatience)) + " ms later";
      found.dify_shows = "nothing; but the next user waits for answers that nobody reads";
      found.cure = "a newer version of the model server; `models[].max_answer_tokens` bounds the loss";
    } else {
      found.detail = "within " + std::to_string(milliseconds(loop_.fresh_now() - left)) + " ms";
    }
    report_.findings.push_back(std::move(found));
  }

  // One of several streams at once; `firsts` outlives it.
  net::Task<void> first_byte(std::string path, std::string body, std::vector<Duration>& firsts, std::size_t& left,
                             net::Signal& over) {
    ++connections_;
    Result<Answer> answer = co_await wire_.ask(target_.endpoint, post(std::move(path), std::move(body)));
    const bool good = answer && answer->status == 200 && !answer->arrivals.empty();
    firsts.push_back(good ? answer->arrivals.front().at : Duration::max());
    if (--left == 0) over.set();
  }

  net::Task<Duration> median_first_byte(std::string path, Chat chat, std::uint32_t at_once) {
    constexpr std::uint32_t kShort = 16;
    std::vector<Duration> firsts;
    std::size_t left = at_once;
    net::Signal over;
    for (std::uint32_t i = 0; i < at_once; ++i) {
      std::string body =
          chat == Chat::chat ? stream_chat(target_.model, kShort) : stream_completion(target_.model, kShort);
      loop_.spawn(first_byte(path, std::move(body), firsts, left, over));
    }
    (void)co_await over.wait(loop_, {});
    std::nth_element(firsts.begin(), firsts.begin() + static_cast<std::ptrdiff_t>(firsts.size() / 2), firsts.end());
    co_return firsts[firsts.size() / 2];
  }

  net::Task<void> concurrency(std::string path, Chat chat) {
    Finding found{.id = "L0", .title = "calls at once until the first byte takes twice as long"};
    std::array<Duration, 3> single{};
    for (Duration& one : single) one = co_await median_first_byte(path, chat, 1);
    std::sort(single.begin(), single.end());
    const Duration alone = single[1];
    const Duration most = 2 * alone + kNoise;
    std::uint32_t good = 1;
    Duration last = alone;
    for (std::uint32_t at_once = 2; at_once <= target_.most_at_once; at_once *= 2) {
      last = co_await median_first_byte(path, chat, at_once);
      if (last > most) break;
      good = at_once;
    }
    const bool knee = last > most;
    report_.profile.concurrency = good;
    found.detail = knee ? std::to_string(good) : "more than " + std::to_string(good) + "; --at-once looks further";
    found.detail += " (alone " + std::to_string(milliseconds(alone)) + " ms)";
    report_.findings.push_back(std::move(found));
  }

  net::Task<void> embeddings() {
    std::optional<Answer> answer =
        co_await ask("B1", "the vector of one text", post("/embeddings", embedding(target_.model, R"(["ping"])")));
    if (!answer) co_return;
    judge_connection(*answer, "/embeddings", report_.findings);
    judge_embedding(*answer, report_.findings);
    if (answer->status != 200) co_return;
    std::optional<Answer> many =
        co_await ask("B2", "several texts at once, in their order",
                     post("/embeddings", embedding(target_.model, R"(["the cat","a bank in the city","你好，世界"])")));
    std::optional<Answer> one =
        co_await ask("B2", "several texts at once, in their order",
                     post("/embeddings", embedding(target_.model, R"(["a bank in the city"])")));
    if (many && one) judge_embeddings(*many, *one, report_.findings);
    co_await refusals("/embeddings", embedding(target_.model, R"(["ping"])"));
  }

  net::Task<void> rerank() {
    std::optional<Answer> answer =
        co_await ask("R1", "three documents are ranked", post("/rerank", validation_rerank(target_.model, 3)));
    if (!answer) co_return;
    judge_connection(*answer, "/rerank", report_.findings);
    judge_rerank(*answer, report_.findings);
    if (answer->status != 200) co_return;
    answer = co_await ask("R2", "top_n is honoured", post("/rerank", validation_rerank(target_.model, 1)));
    if (answer) judge_top_n(*answer, report_.findings);
    co_await refusals("/rerank", validation_rerank(target_.model, 3));
  }

  net::Task<void> speech_and_errors() {
    std::optional<Answer> answer =
        co_await ask("A1", "a sentence is spoken", post("/audio/speech", speech(target_.model)));
    if (!answer) co_return;
    judge_connection(*answer, "/audio/speech", report_.findings);
    judge_speech(*answer, report_.findings);
    co_await refusals("/audio/speech", speech(target_.model));
  }

  net::Task<void> transcription_and_errors() {
    Question question = post("/audio/transcriptions", transcription(target_.model));
    question.content_type = "multipart/form-data; boundary=" + std::string{kBoundary};
    std::optional<Answer> answer = co_await ask("A2", "a recording is written down", std::move(question));
    if (!answer) co_return;
    judge_connection(*answer, "/audio/transcriptions", report_.findings);
    judge_transcription(*answer, report_.findings);
  }

  net::Task<void> refusals(std::string path, std::string good) {
    ++connections_;
    Result<Answer> stranger = co_await wire_.ask(stranger_, post(path, std::move(good)));
    if (stranger) judge_wrong_key(*stranger, report_.findings);
    std::optional<Answer> answer = co_await ask("E4", "a body that is no JSON is refused", post(path, "{\"model\":"));
    if (answer) judge_malformed(*answer, report_.findings);
  }

  void add_connections() {
    report_.findings.push_back({.id = "C3",
                                .title = "a new connection for every request",
                                .detail = std::to_string(connections_) + " of them"});
  }

  net::Loop& loop_;
  Target target_;
  Wire wire_;
  std::shared_ptr<upstream::Endpoint> stranger_;
  Report report_;
  std::size_t connections_ = 0;
  bool reached_ = false;
};

}  // namespace

net::Task<Report> run(net::Loop& loop, Target target) {
  Suite suite{loop, std::move(target)};
  Report report = co_await suite.run();
  co_return report;
}

}  // namespace intragate::check
