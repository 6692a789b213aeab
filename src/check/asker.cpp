#include "check/asker.h"

#include <utility>

#include "check/judge.h"

namespace intragate::check {
namespace {

std::shared_ptr<upstream::Endpoint> with_credentials(config::Endpoint endpoint, config::EndpointAuth auth) {
  endpoint.auth = std::move(auth);
  return std::make_shared<upstream::Endpoint>("stranger", std::move(endpoint), config::Health{});
}

}  // namespace

Question post(std::string path, std::string body) {
  return {.path = std::move(path), .body = std::move(body)};
}

Question get(std::string_view path, bool from_root) {
  return {.path = std::string{path}, .from_root = from_root, .body = {}};
}

Asker::Asker(net::Loop& loop, Target target)
    : loop_{loop},
      target_{std::move(target)},
      wire_{loop, target_.engine ? AddressList::private_ranges() : target_.egress},
      engine_wire_{loop, target_.egress},
      stranger_{with_credentials(
          target_.endpoint->configured(),
          {.type = config::AuthType::bearer, .header = {}, .key = config::Secret{"sk-intragate-check-no-key"}})},
      nobody_{with_credentials(target_.endpoint->configured(),
                               {.type = config::AuthType::header, .header = "Authorization", .key = {}})} {
  report_.title = target_.title;
  report_.kind = target_.kind.empty() ? "chat" : target_.kind;
  report_.profile.context_window = target_.context_window;
}

net::Task<Result<Answer>> Asker::try_to_ask(Question question) {
  ++connections;
  Result<Answer> answer = co_await wire_.ask(target_.endpoint, std::move(question));
  if (!answer) ++unanswered;
  co_return answer;
}

net::Task<std::optional<Answer>> Asker::ask_as(std::shared_ptr<upstream::Endpoint> whom, std::string id,
                                               std::string title, Question question) {
  ++connections;
  Result<Answer> answer = co_await wire_.ask(std::move(whom), std::move(question));
  if (answer) {
    succeeded = succeeded || answer->status == 200;
    co_return *std::move(answer);
  }
  ++unanswered;
  note_silence(std::move(id), std::move(title), answer.error());
  co_return std::nullopt;
}

void Asker::note_silence(std::string id, std::string title, const Error& error) {
  Finding found{.id = std::move(id),
                .title = std::move(title),
                .verdict = Verdict::bad,
                .detail = "no answer: " + error.detail,
                .dify_shows = "Server Unavailable Error, or Connection Error",
                .cure = "is the address right, and does the server listen there?"};
  const std::optional<config::EndpointTls>& tls = target_.endpoint->configured().tls;
  if (tls && tls->certificate.empty() && error.code == Code::upstream_broke) {
    found.cure =
        "if the server wants a client certificate: Dify has none to show, the gateway has "
        "(`endpoints[].tls.certificate`)";
  }
  report_.findings.push_back(std::move(found));
}

net::Task<std::optional<Answer>> Asker::ask(std::string id, std::string title, Question question) {
  return ask_as(target_.endpoint, std::move(id), std::move(title), std::move(question));
}

net::Task<std::optional<Answer>> Asker::ask_as_stranger(std::string id, std::string title, Question question) {
  return ask_as(stranger_, std::move(id), std::move(title), std::move(question));
}

net::Task<std::optional<Answer>> Asker::ask_as_nobody(std::string id, std::string title, Question question) {
  return ask_as(nobody_, std::move(id), std::move(title), std::move(question));
}

net::Task<std::optional<std::string>> Asker::page(std::string_view path) {
  if (engine()->speaks_grpc()) co_return std::nullopt;
  Question question = get(path, true);
  Result<Answer> answer = co_await engine_wire_.ask(engine(), std::move(question));
  if (!answer || answer->status != 200) co_return std::nullopt;
  co_return std::move(answer->body);
}

net::Task<void> Asker::ask_refusals(std::string path, std::string good) {
  Question question = post(path, std::move(good));
  std::optional<Answer> answer = co_await ask_as_stranger("E1", "a wrong key is refused", std::move(question));
  if (answer) judge_wrong_key(*answer, findings());
  question = post(path, "{\"model\":\"x\",\"messages\":[{");
  answer = co_await ask("E4", "a body that is no JSON is refused", std::move(question));
  if (answer) judge_malformed(*answer, findings());
}

}  // namespace intragate::check
