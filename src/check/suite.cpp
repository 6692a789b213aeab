#include "check/suite.h"

#include <utility>

#include "check/asker.h"
#include "check/handshake.h"
#include "check/judge.h"
#include "check/look.h"
#include "check/others.h"
#include "check/texts.h"
#include "dialect/openai.h"
#include "net/loop.h"

namespace intragate::check {
namespace {

constexpr Duration kListPatience = std::chrono::seconds{10};

// vLLM and SGLang say max_model_len, intragate context_window; llama.cpp's n_ctx_train is not what it runs with.
std::uint64_t window_in(std::string_view list, std::size_t models, std::string_view model) {
  for (std::size_t i = 0; i < models; ++i) {
    const std::string at = std::to_string(i);
    if (look_text(list, {"data", at, "id"}).value_or("") != model) continue;
    for (const std::string_view name : {"max_model_len", "context_window"}) {
      const std::optional<json::Member> found = look(list, {"data", at, name});
      if (found) return json::unsigned_number(found->value).value_or(0);
    }
  }
  return 0;
}

net::Task<void> list_models(Asker& asker) {
  Profile& profile = asker.report().profile;
  Question question = get("/models");
  Result<Answer> answer = co_await asker.try_to_ask(std::move(question));
  if (!answer || answer->status != 200) co_return;  // Dify never asks for the list either
  Result<std::vector<std::string>> names = dialect::openai::decode_models(answer->body);
  if (!names) co_return;
  profile.models = *std::move(names);
  if (asker.model().empty() && !profile.models.empty()) asker.name_model(profile.models.front());
  if (profile.context_window == 0) {
    profile.context_window = window_in(answer->body, profile.models.size(), asker.model());
  }
}

// llama.cpp: what one of its slots can hold.
net::Task<void> ask_props(Asker& asker) {
  Profile& profile = asker.report().profile;
  if (profile.context_window > 0) co_return;
  const std::optional<std::string> page = co_await asker.page("/props");
  if (!page) co_return;
  const std::optional<json::Member> found = look(*page, {"default_generation_settings", "n_ctx"});
  if (found) profile.context_window = json::unsigned_number(found->value).value_or(0);
}

// False: nothing can be asked over this TLS.
net::Task<bool> shake_hands(Asker& asker) {
  const Target& target = asker.target();
  const std::optional<config::EndpointTls>& tls = asker.engine()->configured().tls;
  if (!tls) co_return true;
  const Handshake seen = co_await handshake(asker.loop(), asker.engine(), target.egress);
  if (!seen.connected) co_return true;  // the next question says it
  judge_handshake(seen, *tls, asker.findings());
  co_return seen.failure.empty();
}

// The rest of the connections in a row, with what costs a server least.
net::Task<void> ask_again_and_again(Asker& asker) {
  if (!asker.succeeded) co_return;  // there is nothing to be sure of
  while (asker.connections < asker.target().connections && asker.unanswered == 0) {
    Question question = get("/models");
    question.patience = kListPatience;
    (void)co_await asker.try_to_ask(std::move(question));
  }
}

net::Task<void> ask_all(Asker& asker) {
  const bool secure = co_await shake_hands(asker);
  if (!secure) co_return;
  co_await list_models(asker);
  co_await ask_props(asker);
  asker.report().model = asker.model();
  const std::string kind = asker.report().kind;
  if (kind == "embedding") {
    co_await ask_embeddings(asker);
  } else if (kind == "rerank") {
    co_await ask_rerank(asker);
  } else if (kind == "speech") {
    co_await ask_speech(asker);
  } else if (kind == "transcription") {
    co_await ask_transcription(asker);
  } else {
    co_await ask_texts(asker, kind == "completion" ? Chat::completion : Chat::chat);
  }
  if (asker.connections == asker.unanswered) co_return;  // nobody is there, and that is said
  co_await ask_again_and_again(asker);
  judge_connections({asker.connections, asker.unanswered, asker.succeeded}, asker.findings());
}

}  // namespace

net::Task<Report> run(net::Loop& loop, Target target) {
  Asker asker{loop, std::move(target)};
  co_await ask_all(asker);
  co_return std::move(asker.report());
}

}  // namespace intragate::check
