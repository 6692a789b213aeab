#include "check/texts.h"

#include <algorithm>
#include <array>
#include <utility>

#include "check/at_once.h"
#include "check/bodies.h"
#include "dialect/engine_load.h"
#include "net/loop.h"
#include "net/wait.h"

namespace intragate::check {
namespace {

constexpr std::uint64_t kEndlessTokens = 4000;  // longer than anybody waits here
constexpr Duration kStopPatience = std::chrono::seconds{3};
constexpr Duration kLook = std::chrono::milliseconds{50};
constexpr std::string_view kChatPath = "/chat/completions";

std::string_view path_of(Chat chat) {
  return chat == Chat::chat ? kChatPath : "/completions";
}

std::string validation(const std::string& model, Chat chat) {
  return chat == Chat::chat ? validation_chat(model) : validation_completion(model);
}

std::string stream(const std::string& model, Chat chat, std::uint32_t tokens) {
  return chat == Chat::chat ? stream_chat(model, tokens) : stream_completion(model, tokens);
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

// What a server may refuse without being wrong: then it is said what that means. True when it did not.
net::Task<bool> accepts(Asker& asker, Finding found, std::string body) {
  Question question = post(std::string{kChatPath}, std::move(body));
  std::optional<Answer> answer = co_await asker.ask(found.id, found.title, std::move(question));
  if (!answer) co_return false;
  const bool good = answer->status == 200;
  if (!good) {
    found.verdict = Verdict::open;
    found.detail = "status " + std::to_string(answer->status) + ": " + excerpt(answer->body);
  }
  asker.findings().push_back(std::move(found));
  co_return good;
}

Finding optional_part(std::string id, std::string title, std::string shows, std::string cure) {
  return {.id = std::move(id), .title = std::move(title), .dify_shows = std::move(shows), .cure = std::move(cure)};
}

net::Task<void> ask_tools(Asker& asker) {
  Question question = post(std::string{kChatPath}, tool_chat(asker.model(), Streamed::no));
  std::optional<Answer> answer = co_await asker.ask("T1", "a tool is called", std::move(question));
  if (answer) judge_tool_call(*answer, asker.findings());
  question = post(std::string{kChatPath}, tool_chat(asker.model(), Streamed::yes));
  answer = co_await asker.ask("T2", "a tool is called in a stream", std::move(question));
  if (answer) judge_tool_stream(*answer, asker.findings());
  Finding found =
      optional_part("T3", "a conversation in which a tool has answered", "agents that fail after their first tool call",
                    "function calling `no_call` in Dify's form");
  (void)co_await accepts(asker, std::move(found), tool_history(asker.model()));
}

net::Task<void> ask_what_is_optional(Asker& asker) {
  Finding found = optional_part("E3", "fields that only Dify knows",
                                "an error as soon as a switch for thinking or user identity is on",
                                "leave these switches off in Dify's form");
  (void)co_await accepts(asker, std::move(found), extended_chat(asker.model()));
  found = optional_part("C5", "a request of 16 MiB, as with pictures", "an error when somebody adds a large picture",
                        "a larger limit at the server, or at the proxy in front of it");
  (void)co_await accepts(asker, std::move(found), large_chat(asker.model()));
  Question question = post(std::string{kChatPath}, schema_chat(asker.model()));
  std::optional<Answer> answer =
      co_await asker.ask("J1", "an answer in the form of a JSON schema", std::move(question));
  if (answer) judge_schema(*answer, asker.findings());
  question = post(std::string{kChatPath}, image_chat(asker.model()));
  answer = co_await asker.ask("V1", "an image as a data URI", std::move(question));
  if (answer) judge_picture(*answer, asker.findings());
}

net::Task<void> ask_errors(Asker& asker, Chat chat) {
  const std::string path{path_of(chat)};
  co_await asker.ask_refusals(path, validation(asker.model(), chat));
  Question question = post(path, validation("intragate-check-no-such-model", chat));
  std::optional<Answer> answer = co_await asker.ask("E2", "an unknown model is refused", std::move(question));
  if (answer) judge_unknown_model(*answer, asker.findings());
}

net::Task<void> ask_window(Asker& asker) {
  constexpr std::uint64_t kLargest = 300'000;  // a request of 1 MB
  const std::uint64_t window = asker.report().profile.context_window;
  Finding found{.id = "W1", .title = "a prompt longer than the context window", .verdict = Verdict::open};
  if (window == 0 || window > kLargest) {
    found.detail = window == 0 ? "the server does not list its window" : "too large to try";
    found.cure = "`context_window` at the model";
    asker.findings().push_back(std::move(found));
    co_return;
  }
  Question question = post(std::string{kChatPath}, long_chat(asker.model(), window + 64));
  std::optional<Answer> answer = co_await asker.ask(found.id, found.title, std::move(question));
  if (answer) judge_too_long(*answer, asker.findings());
}

// The engine's own word for what it works at.
net::Task<std::optional<std::size_t>> running(Asker& asker) {
  for (const std::string_view path : {"/slots", "/metrics"}) {
    const std::optional<std::string> page = co_await asker.page(path);
    const std::optional<std::size_t> found = page ? running_in(*page) : std::nullopt;
    if (found) co_return found;
  }
  co_return std::nullopt;
}

net::Task<void> ask_cancellation(Asker& asker, Chat chat) {
  Finding found{.id = "X1", .title = "the model stops when its caller leaves"};
  net::Loop& loop = asker.loop();
  const std::optional<std::size_t> before = co_await running(asker);
  const std::uint64_t window = asker.report().profile.context_window;
  const std::uint64_t tokens = window == 0 ? kEndlessTokens : std::min(kEndlessTokens, window / 2);  // more is refused
  Question question = post(std::string{path_of(chat)}, stream(asker.model(), chat, static_cast<std::uint32_t>(tokens)));
  question.leave_after = 1;
  std::optional<Answer> answer = co_await asker.ask("X1", found.title, std::move(question));
  if (!answer) co_return;
  const TimePoint left = loop.fresh_now();
  std::optional<std::size_t> now = before;
  while (before && loop.fresh_now() - left < kStopPatience) {
    now = co_await running(asker);
    if (now && *now <= *before) break;
    (void)co_await net::Pause{loop, {Deadline::in(loop.now(), kLook), nullptr}};
  }
  if (answer->status != 200) {
    found.verdict = Verdict::open;
    found.detail = "the stream was refused with status " + std::to_string(answer->status);
  } else if (!before) {
    found.verdict = Verdict::open;
    found.detail = "the server has no page (/slots, /metrics) that tells";
  } else if (now && *now > *before) {
    found.verdict = Verdict::bad;
    found.detail = "it still worked " + std::to_string(milliseconds(kStopPatience)) + " ms later";
    found.dify_shows = "nothing; but the next user waits for answers that nobody reads";
    found.cure = "a newer version of the model server; `models[].max_answer_tokens` bounds the loss";
  } else {
    found.detail = "within " + std::to_string(milliseconds(loop.fresh_now() - left)) + " ms";
  }
  asker.findings().push_back(std::move(found));
}

// When the first byte of a stream came; how this is measured with several at once is at_once.h's.
net::Task<void> ask_concurrency(Asker& asker, Chat chat) {
  constexpr std::uint32_t kShort = 16;
  const std::string path{path_of(chat)};
  const std::string body = stream(asker.model(), chat, kShort);
  std::array<Duration, 3> single{};
  for (Duration& one : single) one = co_await median_at_once(asker, path, body, Watch::first_byte, 1);
  std::sort(single.begin(), single.end());
  std::vector<AtOnce> steps{{1, single[1]}};
  for (std::uint32_t calls = 2; calls <= asker.target().most_at_once && !is_knee(steps); calls *= 2) {
    const Duration median = co_await median_at_once(asker, path, body, Watch::first_byte, calls);
    steps.push_back({calls, median});
  }
  asker.report().profile.concurrency = judge_concurrency(steps, asker.findings());
}

}  // namespace

net::Task<void> ask_texts(Asker& asker, Chat chat) {
  const bool is_chat = chat == Chat::chat;
  const std::string path{path_of(chat)};
  Question question = post(path, validation(asker.model(), chat));
  std::optional<Answer> answer =
      co_await asker.ask(is_chat ? "N1" : "N3", "the request that Dify saves a model with", std::move(question));
  if (!answer) co_return;
  judge_connection(*answer, path, asker.findings());
  judge_answer(*answer, chat, asker.findings());
  if (answer->status != 200) co_return;
  question = post(path, stream(asker.model(), chat, kStreamTokens));
  answer = co_await asker.ask("S1", "a stream", std::move(question));
  if (answer) judge_stream(*answer, chat, asker.findings());
  const bool streams = answer && answer->status == 200;
  if (streams) {
    question = post(path, is_chat ? characters_chat(asker.model()) : characters_completion(asker.model()));
    answer = co_await asker.ask("S11", "no character is cut in half", std::move(question));
    if (answer) judge_characters(*answer, chat, asker.findings());
  }
  if (is_chat) co_await ask_tools(asker);
  if (is_chat) co_await ask_what_is_optional(asker);
  co_await ask_errors(asker, chat);
  if (is_chat) co_await ask_window(asker);
  if (streams) co_await ask_cancellation(asker, chat);
  co_await ask_concurrency(asker, chat);
}

}  // namespace intragate::check
