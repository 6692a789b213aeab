#include "app/explain.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/explain_limits.h"
#include "app/explain_running.h"
#include "app/routes.h"
#include "auth/rules.h"
#include "base/error_table.h"
#include "base/json_write.h"
#include "base/text.h"
#include "dialect/embeddings.h"
#include "dialect/front.h"
#include "dialect/kserve.h"
#include "dialect/openai.h"
#include "dialect/openai_mend.h"
#include "dialect/rerank.h"
#include "dialect/screen_body.h"
#include "dialect/text_completion.h"
#include "pipeline/choose.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/measure.h"
#include "pipeline/screening.h"
#include "pipeline/session.h"
#include "pipeline/snapshot.h"

namespace intragate::app {
namespace {

std::optional<std::string> read(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return std::move(text).str();
  }
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  text << file.rdbuf();
  return std::move(text).str();
}

// Why this key could not make the call, wherever it came from; nothing when it could.
std::optional<Error> refusal_of(const config::Key& key, const pipeline::Lane& lane, const llm::Call& call, llm::Api api,
                                WallTime now) {
  if (key.expires && now >= *key.expires)
    return make_error(Code::expired_key, "The key " + text::quoted(key.name) + " has expired.");
  if (key.allow.empty())
    return make_error(Code::address_not_allowed, "The key " + text::quoted(key.name) + " is allowed from nowhere.");
  const auth::Principal principal = auth::principal_of(key);
  Result<Unit> allowed = auth::check_api(principal, llm::api_name(api));
  if (allowed) allowed = auth::check_model(principal, names_of(lane), call.model);
  return allowed ? std::nullopt : std::optional{std::move(allowed).error()};
}

std::string_view balance_name(config::Balance balance) {
  constexpr std::array<std::string_view, 3> kNames{"least_busy", "round_robin", "session"};
  return kNames[static_cast<std::size_t>(balance)];
}

// What is asked about the choice of an endpoint.
struct Chosen {
  const pipeline::Lane& lane;
  const llm::Call& call;
  std::string_view body;
  std::string_view key;  // empty: any
  const config::Config& config;
  WallTime now{};
};

// The endpoint a call like this goes to as long as all are well and idle. What belongs to a session depends on the key.
void explain_session(const Chosen& asked, Explanation& into) {
  const auto& keys = asked.config.keys;
  const auto named = [&](const config::Key& key) { return asked.key.empty() || key.name == asked.key; };
  const auto key = std::find_if(keys.begin(), keys.end(), named);
  if (key == keys.end()) return;
  llm::Call call = asked.call;
  if (!key->trust_user) call.user.clear();
  const std::size_t size = dialect::openai::session_prefix(call, asked.body).size();
  into.findings.push_back({"session", "by x-session-id; without it by the key " + text::quoted(key->name) +
                                          (call.user.empty() ? "" : ", the end user") + " and " + std::to_string(size) +
                                          " bytes of the prompt's beginning"});
  const std::uint64_t session = pipeline::session_of({key->name, {}, call, asked.body});
  upstream::Choice choice{asked.lane.model.balance};
  const auto candidates = pipeline::candidates_of(asked.lane, asked.config.zone, TimePoint{});
  const std::size_t first = choice.pick(candidates, {0, session}).value_or(0);
  into.findings.push_back({"endpoint of the session", asked.lane.endpoints[first]->id()});
}

void explain_choice(const Chosen& asked, Explanation& into) {
  into.findings.push_back({"balance", std::string{balance_name(asked.lane.model.balance)}});
  if (!asked.config.zone.empty()) {
    std::string near;
    std::string far;
    for (const auto& endpoint : asked.lane.endpoints) {
      std::string& side = endpoint->configured().zone == asked.config.zone ? near : far;
      side += (side.empty() ? "" : ", ") + endpoint->id();
    }
    into.findings.push_back(
        {"zone " + asked.config.zone, (near.empty() ? "none" : near) + "; then " + (far.empty() ? "none" : far)});
  }
  if (asked.lane.model.balance == config::Balance::session) explain_session(asked, into);
}

struct Asked {
  const std::string& key;  // empty: any
  const pipeline::Lane& lane;
  const llm::Call& call;
  llm::Api api;  // the client's
  WallTime now;
};

// The refusal is that of the first key that asks, unless another may.
std::vector<const config::Key*> explain_keys(const std::vector<config::Key>& keys, const Asked& asked,
                                             Explanation& into) {
  std::vector<const config::Key*> allowed;
  std::string may;
  std::optional<Error> refusal;
  for (const config::Key& key : keys) {
    if (!asked.key.empty() && key.name != asked.key) continue;
    std::optional<Error> its = refusal_of(key, asked.lane, asked.call, asked.api, asked.now);
    if (!its) {
      may += (may.empty() ? "" : ", ") + key.name;
      allowed.push_back(&key);
    }
    if (!refusal) refusal = std::move(its);
  }
  into.findings.push_back({"keys that may", may.empty() ? "none" : may});
  if (!may.empty()) return allowed;
  into.refusal = refusal ? std::move(refusal) : make_error(Code::invalid_key, "The configuration has no keys.");
  return allowed;
}

// The names of lines of a request's head. What they say is not for people: it may hold secrets.
std::string names_in(std::string_view lines) {
  std::string names;
  while (!lines.empty()) {
    names += (names.empty() ? "" : ", ") + std::string{lines.substr(0, lines.find(':'))};
    lines.remove_prefix(std::min(lines.size(), lines.find("\r\n") + 2));
  }
  return names;
}

// The request as an endpoint of another dialect gets it. Errors: those of the gateway.
Result<Unit> explain_conversion(const Chosen& asked, std::size_t endpoint, Explanation& into) {
  const upstream::Endpoint& to = *asked.lane.endpoints[endpoint];
  Result<dialect::Sending> sending =
      pipeline::convert_request(asked.lane, to, *asked.lane.converters[endpoint], {asked.call, asked.body, asked.now});
  if (!sending) {
    into.findings.push_back({"refused for " + to.id(), sending.error().message});
    return std::move(sending).error();
  }
  into.findings.push_back(
      {"sent to " + to.id(), std::string{sending->method} + ' ' + to.configured().path + sending->path});
  if (!sending->headers.empty())
    into.findings.push_back({"headers for " + to.id(), names_in(sending->headers) + " (what they say is not shown)"});
  into.findings.push_back(
      {"body for " + to.id(), to.speaks_grpc() ? dialect::kserve::describe(sending->body) : sending->body});
  return Unit{};
}

const std::string& name_at(const Chosen& asked, const config::Endpoint& to) {
  return to.model.empty() ? asked.lane.name : to.model;
}

// A ranking that is made of vectors.
Result<Unit> explain_ranking(const Chosen& asked, const upstream::Endpoint& to, Explanation& into) {
  const Result<dialect::rerank::Asked> ranking = dialect::rerank::understand(asked.body);
  if (!ranking) return Result<Unit>{ranking.error()};
  Result<std::string> body = dialect::rerank::as_embeddings(*ranking, name_at(asked, to.configured()));
  if (!body) return std::move(body).error();
  into.findings.push_back({"sent to " + to.id(), "POST " + to.configured().path + "/embeddings"});
  into.findings.push_back({"body for " + to.id(), *std::move(body)});
  return Unit{};
}

// The changes to a request that is otherwise passed as it came.
Result<Unit> explain_edits(const Chosen& asked, const upstream::Endpoint& endpoint, Explanation& into) {
  const auto& [lane, call, body, key, config, now] = asked;
  const config::Endpoint& to = endpoint.configured();
  using dialect::openai::AskUsage;
  const AskUsage ask = call.stream == llm::Stream::yes && to.ask_usage ? AskUsage::yes : AskUsage::no;
  const llm::Edits edits = dialect::openai::edits(call, body, name_at(asked, to), ask, lane.model.max_answer_tokens);
  for (std::size_t i = 0; i < edits.count; ++i) {
    const llm::Edit& edit = edits.list[i];
    const std::string_view before = body.substr(edit.where.offset, edit.where.length);
    into.findings.push_back({"change for " + endpoint.id(),
                             before.empty() ? "adds " + edit.text : std::string{before} + " becomes " + edit.text});
  }
  return Unit{};
}

// What each endpoint gets. Where none takes it, the refusal is that of the first.
void explain_changes(const Chosen& asked, Explanation& into) {
  const pipeline::Lane& lane = asked.lane;
  const bool by_vectors = asked.call.api == llm::Api::rerank && pipeline::ranks_by_vectors(lane);
  std::optional<Error> refusal;
  bool taken = lane.endpoints.empty();
  for (std::size_t at = 0; at < lane.endpoints.size(); ++at) {
    const upstream::Endpoint& endpoint = *lane.endpoints[at];
    const config::Endpoint& to = endpoint.configured();
    const bool converts = lane.converters[at] != nullptr;
    into.findings.push_back({"endpoint " + endpoint.id(), to.url + " (weight " + std::to_string(to.weight) +
                                                              (converts ? ", " + to.dialect : "") + ")"});
    Result<Unit> sent = converts     ? explain_conversion(asked, at, into)
                        : by_vectors ? explain_ranking(asked, endpoint, into)
                                     : explain_edits(asked, endpoint, into);
    taken = taken || sent;
    if (!sent && !refusal) refusal = std::move(sent).error();
  }
  if (!taken && !into.refusal) into.refusal = std::move(refusal);
}

// How many tokens the prompt is, and whether it fits.
std::uint64_t explain_prompt(const Chosen& asked, Explanation& into) {
  const std::uint64_t window = asked.lane.model.context_window;
  const std::uint64_t estimate = pipeline::estimated_prompt(asked.body.size(), window);
  const Result<pipeline::Measured> measured = pipeline::measure(asked.lane, asked.call, asked.body, asked.now);
  if (!measured) {
    if (!into.refusal) into.refusal = measured.error();
    return estimate;
  }
  const std::uint64_t tokens = measured->prompt.value_or(estimate);
  into.findings.push_back({"prompt", std::to_string(tokens) + " tokens, " +
                                         (measured->prompt ? "counted" : "estimated") +
                                         (window > 0 ? ", of " + std::to_string(window) : std::string{})});
  if (measured->most > 0) into.findings.push_back({"answer", "at most " + std::to_string(measured->most) + " tokens"});
  return tokens;
}

// Of embeddings only what they have.
bool can_mend(llm::Api api, dialect::openai::Repair repair) {
  using enum dialect::openai::Repair;
  if (api != llm::Api::embeddings) return llm::generates(api) && repair != model;
  return repair == object || repair == model || repair == usage || repair == error;
}

// What becomes of answers on their way back. What is converted has nothing to mend.
void explain_answers(const Chosen& asked, Explanation& into) {
  constexpr std::array<std::string_view, 4> kReasoning{"as the model sends them", "separate", "inline", "drop"};
  const pipeline::Lane& lane = asked.lane;
  std::string repairs;
  for (std::size_t i = 0; i < dialect::openai::kRepairs; ++i) {
    const auto repair = static_cast<dialect::openai::Repair>(i);
    if (lane.left_alone.has(repair) || !can_mend(asked.call.api, repair)) continue;
    repairs += (repairs.empty() ? "" : ", ") + std::string{repair_name(repair)};
  }
  const auto passes = [](const auto& converter) { return converter == nullptr; };
  if (!repairs.empty() && std::any_of(lane.converters.begin(), lane.converters.end(), passes))
    into.findings.push_back({"repairs", lane.model.repair ? repairs : "none (repair: false)"});
  if (llm::generates(asked.call.api))
    into.findings.push_back({"thoughts", std::string{kReasoning[static_cast<std::size_t>(lane.model.reasoning)]}});
}

// The request as the stations see it, where its API is laid over chat: `body` becomes that.
Result<llm::Call> in_chat(dialect::Front& front, std::string& body, Explanation& into) {
  Result<std::string> chat = front.request(body);
  if (!chat) return std::move(chat).error();
  body = *std::move(chat);
  into.findings.push_back({"asked in chat", body});
  return dialect::openai::understand(llm::Api::chat, body);
}

Result<llm::Call> understand(llm::Api api, std::string& body, Explanation& into) {
  const std::unique_ptr<dialect::Front> front = dialect::front_of(api);
  return front ? in_chat(*front, body, into) : dialect::openai::understand(api, body);
}

// The rules of the first key that may, and what they find in this request.
std::optional<Error> explain_content(const Chosen& asked, Explanation& into) {
  const std::unique_ptr<pipeline::Screening> screening =
      pipeline::Screening::of(asked.config, asked.key, asked.lane.name);
  if (!screening) return std::nullopt;
  pipeline::Screening::Side& prompts = screening->side(content::Where::prompt);
  dialect::BodyScreen screen{asked.body, prompts.rules, prompts.tally};
  while (!screen.step()) {
  }
  for (const content::Rule* rule : screening->rules()) {
    const auto at = std::find(prompts.rules.begin(), prompts.rules.end(), rule) - prompts.rules.begin();
    std::string said{action_name(rule->action)};
    said += rule->looks_into(content::Where::answer)
                ? rule->looks_into(content::Where::prompt) ? ", prompt and answer" : ", answer"
                : ", prompt";
    if (rule->looks_into(content::Where::prompt)) {
      said += "; found " + std::to_string(prompts.tally.count[static_cast<std::size_t>(at)]) + " times here";
    }
    into.findings.push_back({"content rule " + rule->name, said});
  }
  if (prompts.tally.refused) return screening->refusal(content::Where::prompt);
  return std::nullopt;
}

void explain_hedge(const config::Hedge& hedge, Explanation& into) {
  if (!hedge.on) return;
  const bool fixed = hedge.after > Duration::zero();
  const std::string late = fixed ? std::to_string(hedge.after / std::chrono::milliseconds{1}) + " ms"
                                 : "the time in which 95% of recent answers began";
  into.findings.push_back({"hedge", "a second endpoint after " + late + ", at most " +
                                        std::to_string(hedge.budget_percent) + "% of calls"});
}

// What is asked, of which model, for whom.
Result<llm::Call> read_call(const pipeline::RouteMatch& target, const std::string& path, std::string& body,
                            Explanation& into) {
  if (target.route == nullptr) return make_error(Code::unknown_path, "There is nothing at " + path + ".");
  into.findings.push_back({"api", std::string{llm::api_name(target.route->api)}});
  if (target.route->method != pipeline::Method::post) {
    return make_error(Code::unsupported_method, "This URL takes GET requests only, which have no body.");
  }
  Result<llm::Call> call = understand(target.route->api, body, into);
  if (!call) return call;
  into.findings.push_back({"model asked for", call->model});
  into.findings.push_back({"stream", call->stream == llm::Stream::yes ? "yes" : "no"});
  if (!call->user.empty()) into.findings.push_back({"end user named", call->user});
  return call;
}

Error no_such_model(const pipeline::Snapshot& snapshot) {
  return make_error(Code::unknown_model, snapshot.awaiting_discovery
                                             ? "No model of that name is in the file; its \"*\" entry may know it "
                                               "once the endpoints have been asked, which a dry run does not do."
                                             : "No model has that name or alias.");
}

void explain_attempts(const Chosen& asked, Explanation& into) {
  const config::Model& model = asked.lane.model;
  const std::size_t inputs =
      asked.call.api == llm::Api::embeddings ? dialect::embeddings::find_inputs(asked.call, asked.body).size() : 0;
  if (model.batch_items > 0 && inputs > model.batch_items) {
    const std::size_t parts = (inputs + model.batch_items - 1) / model.batch_items;
    into.findings.push_back({"parts", std::to_string(parts) + " of at most " + std::to_string(model.batch_items) +
                                          " inputs, each with its own attempts"});
  }
  into.findings.push_back({"attempts", "at most " + std::to_string(model.retry.attempts)});
  explain_hedge(model.hedge, into);
  if (model.continue_on_failure) into.findings.push_back({"if it breaks off", "another endpoint goes on"});
}

}  // namespace

Explanation explain_request(const std::shared_ptr<const config::Config>& config, const ExplainOptions& options,
                            const std::string& given, WallTime now) {
  Explanation result;
  const auto refuse = [&result](Error error) {
    result.refusal = std::move(error);
    return std::move(result);
  };
  std::string body = given;
  const pipeline::RouteMatch target = pipeline::find_route(routes(), options.path);
  Result<llm::Call> call = read_call(target, options.path, body, result);
  if (!call) return refuse(std::move(call).error());
  Result<std::shared_ptr<const pipeline::Snapshot>> snapshot = pipeline::make_snapshot(config, {}, nullptr, {});
  if (!snapshot) return refuse(std::move(snapshot).error());
  const pipeline::Lane* lane = (*snapshot)->find(call->model);
  if (lane == nullptr) return refuse(no_such_model(**snapshot));
  result.findings.push_back({"model", lane->name});
  if (call->api == llm::Api::completions && lane->model.kind == "chat") {
    call = in_chat(*dialect::text_completion::make_front(), body, result);
    if (!call) return refuse(std::move(call).error());
  }
  const std::vector<const config::Key*> keys =
      explain_keys(config->keys, {options.key, *lane, *call, target.route->api, now}, result);
  if (!result.refusal) {
    Result<Unit> fits = pipeline::check_kind(*lane, call->api);
    if (!fits) result.refusal = std::move(fits).error();
  }
  if (!keys.empty()) {
    std::optional<Error> refused = explain_content({*lane, *call, body, keys.front()->name, *config, now}, result);
    if (!result.refusal) result.refusal = std::move(refused);
  }
  call->bound_answer(lane->model.max_answer_tokens);
  const Chosen asked{*lane, *call, body, options.key, *config, now};
  const std::uint64_t prompt = explain_prompt(asked, result);
  explain_limits({*config, *lane, *call, keys, prompt}, result.findings);
  explain_queue(*lane, result.findings);
  if (!keys.empty()) {
    const config::Key& key = *keys.front();
    result.present = {.model = lane->name,
                      .key = key.name,
                      .user = key.trust_user ? call->user : std::string{},
                      .prompt = prompt,
                      .most = call->max_tokens,
                      .answers = call->api != llm::Api::embeddings};
  }
  explain_choice(asked, result);
  explain_attempts(asked, result);
  explain_answers(asked, result);
  explain_changes(asked, result);
  return result;
}

namespace {

void print_json(const Explanation& explanation) {
  std::string text;
  json::Writer writer{text};
  writer.open_object().flag("accepted", !explanation.refusal).open_array("journey");
  for (const Finding& finding : explanation.findings) writer.element(finding.name + ": " + finding.value);
  writer.close_array();
  if (explanation.refusal) {
    const ErrorRow& row = error_row(explanation.refusal->code);
    writer.number("status", std::int64_t{row.status})
        .text("code", row.name)
        .text("message", explanation.refusal->message);
  }
  writer.close_object();
  std::printf("%s\n", text.c_str());
}

void print_text(const Explanation& explanation) {
  for (const Finding& finding : explanation.findings)
    std::printf("%-22s %s\n", finding.name.c_str(), finding.value.c_str());
  if (!explanation.refusal) {
    std::printf("%-22s would be sent\n", "answer");
    return;
  }
  const ErrorRow& row = error_row(explanation.refusal->code);
  std::printf("%-22s %d %.*s: %s\n", "answer", row.status, static_cast<int>(row.name.size()), row.name.data(),
              explanation.refusal->message.c_str());
}

}  // namespace

int explain(const ExplainOptions& options, Output output) {
  config::Loaded loaded = load_configuration(options.file, {});
  if (!loaded.ok() && output == Output::json) {
    std::printf("%s\n", verdict_json(loaded).c_str());
    return 1;
  }
  if (!loaded.ok()) {
    for (const config::Problem& problem : loaded.problems) std::fprintf(stderr, "%s\n", problem.text().c_str());
    return 1;
  }
  const std::vector<config::Key>& keys = loaded.config.keys;
  const auto named = [&](const config::Key& key) { return key.name == options.key; };
  if (!options.key.empty() && std::none_of(keys.begin(), keys.end(), named)) {
    std::fprintf(stderr, "intragate: %s has no key %s\n", options.file.c_str(), text::quoted(options.key).c_str());
    return 2;
  }
  const std::optional<std::string> body = read(options.request_file);
  if (!body) {
    std::fprintf(stderr, "intragate: cannot read %s\n", options.request_file.c_str());
    return 2;
  }
  const auto config = std::make_shared<const config::Config>(std::move(loaded.config));
  Explanation explanation = explain_request(config, options, *body, std::chrono::system_clock::now());
  if (explanation.present)
    explain_present(ask_running(options.gateway, *config, *explanation.present), explanation.findings);
  if (output == Output::json) {
    print_json(explanation);
  } else {
    print_text(explanation);
  }
  return explanation.refusal ? 1 : 0;
}

}  // namespace intragate::app
