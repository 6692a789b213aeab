// `models`: which models there are and where they answer.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "config/credentials.h"
#include "config/endpoint_url.h"
#include "config/readers.h"

namespace intragate::config {
namespace {

constexpr std::string_view kEveryModel = "*";

void read_timeouts(Section& model, ModelTimeouts& into) {
  std::optional<Section> timeouts = model.section("timeouts");
  if (!timeouts) return;
  timeouts->duration("connect", into.connect);
  timeouts->duration("first_byte", into.first_byte);
  timeouts->duration("between_chunks", into.between_chunks);
  timeouts->duration("total", into.total);
  if (timeouts->has("first_byte") && into.first_byte > into.total) {
    timeouts->warn(timeouts->place("first_byte"),
                   "`" + timeouts->path("first_byte") + "` is longer than `total`, which ends first");
  }
}

void read_retry(Section& model, RetryPolicy& into) {
  std::optional<Section> retry = model.section("retry");
  if (!retry) return;
  retry->count("attempts", into.attempts);
  retry->duration("backoff", into.backoff);
  retry->duration("max_backoff", into.max_backoff);
  retry->percent("budget", into.budget_percent);
  if (into.backoff > into.max_backoff) {
    retry->warn(retry->place("backoff"),
                "`" + retry->path("backoff") + "` is longer than `max_backoff`, which bounds it");
  }
}

void read_hedge(Section& model, Model& into) {
  std::optional<Section> hedge = model.section("hedge");
  if (!hedge) return;
  into.hedge.on = true;
  hedge->duration("after", into.hedge.after);
  hedge->percent("budget", into.hedge.budget_percent);
  if (into.endpoints.size() == 1) {
    hedge->warn(hedge->place(), '`' + hedge->path() + "` has no effect on a model with one endpoint");
  } else if (into.hedge.after >= into.timeouts.first_byte) {
    hedge->warn(hedge->place("after"),
                '`' + hedge->path("after") + "` is not shorter than `timeouts.first_byte`, which ends first");
  }
}

void read_health(Section& model, Health& into) {
  std::optional<Section> health = model.section("health");
  if (!health) return;
  health->count("failures", into.failures);
  health->duration("window", into.window);
  health->count("min_calls", into.min_calls);
  health->percent("error_rate", into.error_percent);
  health->duration("slow", into.slow);
  health->percent("slow_rate", into.slow_percent);
  health->percent("outlier", into.outlier_percent);
  health->percent("panic", into.panic_percent);
  health->duration("cooldown", into.cooldown);
  health->duration("max_cooldown", into.max_cooldown);
  health->count("probes", into.probes);
  health->duration("slow_start", into.slow_start);
  health->duration("probe", into.probe);
  if (health->has("max_cooldown") && into.max_cooldown < into.cooldown) {
    health->warn(health->place("max_cooldown"),
                 "`" + health->path("max_cooldown") + "` is shorter than `cooldown`, which is then the only length");
  }
}

void read_queue(Section& model, Queue& into) {
  std::optional<Section> queue = model.section("queue");
  if (!queue) return;
  queue->count("size", into.size);
  queue->percent("user_share", into.user_share);
  queue->duration("max_wait", into.max_wait);
  queue->duration("heartbeat", into.heartbeat);
}

void read_auth(Section& endpoint, EndpointAuth& into) {
  std::optional<Section> auth = endpoint.section("auth");
  if (!auth) return;
  const std::size_t files = auth->reading().files.size();
  auth->secret("key", into.key);
  into.from_file = auth->reading().files.size() > files;
  const std::optional<Scalar> type = auth->scalar("type");
  if (!type) return;
  std::optional<Error> wrong = read_auth_type(type->text, into);
  if (wrong) return auth->unusable("type", *type, *wrong);
  if (into.type == AuthType::none && auth->has("key")) {
    auth->warn(auth->place("key"), '`' + auth->path("key") + "` is never sent, because the type is `none`");
  }
  if (into.key.empty() && auth->has("key")) return;  // unreadable: said already
  wrong = check_auth(into);
  if (wrong) auth->problem(auth->place("key"), '`' + auth->path("key") + "`: " + wrong->message);
}

// host, port and path of `url`, and whether the gateway may go there at all.
void read_url(Section& section, const AddressList& egress, Endpoint& into) {
  const std::optional<Scalar> url = section.scalar("url");
  if (!url) return;
  Result<Endpoint> parsed = parse_endpoint_url(url->text);
  if (!parsed) return section.unusable("url", *url, parsed.error());
  into = *std::move(parsed);
  const Result<IpAddress> ip = IpAddress::parse(into.host);
  if (ip && !egress.contains(*ip)) {
    section.warn(url->place, "`egress.allow` does not contain " + ip->text() + ": every call there will fail");
  }
}

// "sha256:" and the SHA-256 of a public key in hexadecimal.
void read_tls(Section& endpoint, Endpoint& into) {
  std::optional<Section> tls = endpoint.section("tls");
  if (!tls) return;
  if (!into.tls) {
    if (into.url.empty()) return;  // said already
    return tls->problem(tls->place(), '`' + tls->path() + "` needs a URL that begins with https://");
  }
  read_client_tls(*tls, into.host, *into.tls);
}

Endpoint read_endpoint(Section& section, const AddressList& egress) {
  Endpoint endpoint;
  read_url(section, egress, endpoint);
  section.text("model", endpoint.model);
  read_dialect(section, endpoint);
  read_auth(section, endpoint.auth);
  read_tls(section, endpoint);
  section.count("weight", endpoint.weight);
  section.flag("ask_usage", endpoint.ask_usage);
  section.count("max_concurrency", endpoint.max_concurrency);
  section.text("zone", endpoint.zone);
  return endpoint;
}

void read_endpoints(Section& section, const Config& config, Model& model) {
  for (Section& endpoint : section.sections("endpoints")) {
    model.endpoints.push_back(read_endpoint(endpoint, config.egress));
    if (endpoint.has("zone") && config.zone.empty()) {
      endpoint.warn(endpoint.place("zone"),
                    '`' + endpoint.path("zone") + "` has no effect without the gateway's own `zone`");
    }
    if (model.name == kEveryModel && model.endpoints.back().dialect == "template") {
      endpoint.problem(endpoint.place("dialect"), "an interface that a template describes lists no models for `*`");
    }
    if (model.name == kEveryModel && endpoint.has("model")) {
      endpoint.problem(endpoint.place("model"), "an endpoint of the model `*` keeps the names that it lists itself");
    }
  }
  if (section.length("endpoints") == 0U)
    section.problem(section.place("endpoints"), "a model needs at least one endpoint");
}

// The names that clients may ask for, over all models.
class TakenNames {
 public:
  void take(Section& section, const std::string& name, Place place) {
    if (name.empty()) return;
    const auto [owner, fresh] = owner_.emplace(name, section.path());
    if (!fresh)
      section.problem(place, "the model name " + text::quoted(name) + " is already taken by " + owner->second);
  }

 private:
  std::map<std::string, std::string, std::less<>> owner_;
};

void read_aliases(Section& section, TakenNames& taken, Model& model) {
  for (Scalar& alias : section.names("aliases")) {
    const bool star = alias.text.find('*') != std::string::npos;
    if (alias.text.empty() || star) {
      section.problem(alias.place, star ? "an alias is a plain name, without `*`" : "an alias is empty");
      continue;
    }
    taken.take(section, alias.text, alias.place);
    model.aliases.push_back(std::move(alias.text));
  }
  if (model.name == kEveryModel && !model.aliases.empty()) {
    section.problem(section.place("aliases"), "the model `*` stands for many and cannot have aliases");
  }
}

void read_name(Section& section, TakenNames& taken, Model& model) {
  section.text("name", model.name);
  const bool star = model.name.find('*') != std::string::npos;
  if (star && model.name != kEveryModel) {
    section.problem(section.place("name"),
                    "a model's name is plain, or just `*` for every model that its endpoints list");
  }
  taken.take(section, model.name, section.place("name"));
}

void read_repairs(Section& section, Model& model) {
  section.flag("repair", model.repair);
  const std::vector<std::string_view> known = split_words(find_key("models[].repair_except")->values);
  for (Scalar& repair : section.names("repair_except")) {
    if (std::find(known.begin(), known.end(), repair.text) == known.end()) {
      section.problem(repair.place, text::quoted(repair.text) + " is no repair",
                      did_you_mean(text::closest_word(repair.text, known)));
      continue;
    }
    model.repair_except.push_back(std::move(repair.text));
  }
  if (!model.repair && section.has("repair_except"))
    section.warn(section.place("repair_except"),
                 '`' + section.path("repair_except") + "` has no effect with `repair: false`");
}

Model read_one(Section& section, TakenNames& taken, const Config& config) {
  Model model;
  read_name(section, taken, model);
  read_aliases(section, taken, model);
  model.kind = section.choice("kind");
  section.count("context_window", model.context_window);
  section.count("max_answer_tokens", model.max_answer_tokens);
  section.flag("fit_max_tokens", model.fit_max_tokens);
  if (model.fit_max_tokens && model.context_window == 0) {
    section.warn(section.place("fit_max_tokens"),
                 '`' + section.path("fit_max_tokens") + "` has no effect without `context_window`");
  }
  read_endpoints(section, config, model);
  const auto counts = [](const Endpoint& endpoint) { return endpoint.tokenizer.made != nullptr; };
  if (model.fit_max_tokens && model.context_window > 0 &&
      std::none_of(model.endpoints.begin(), model.endpoints.end(), counts)) {
    section.warn(section.place("fit_max_tokens"),
                 '`' + section.path("fit_max_tokens") +
                     "` goes by an estimate of the prompt without a `tokenizer` at an endpoint");
  }
  section.ranges("allow", model.allow);
  if (model.allow.empty())
    section.warn(section.place("allow"), '`' + section.path("allow") + "` is empty: nobody may use this model");
  read_repairs(section, model);
  const std::string reasoning = section.choice("reasoning");
  if (reasoning == "separate") model.reasoning = Reasoning::separate;
  if (reasoning == "inline") model.reasoning = Reasoning::within;
  if (reasoning == "drop") model.reasoning = Reasoning::drop;
  const std::string balance = section.choice("balance");
  if (balance == "round_robin") model.balance = Balance::round_robin;
  if (balance == "session") model.balance = Balance::session;
  const std::string scores = section.choice("rerank_scores");
  if (scores == "logits") model.rerank_scores = RerankScores::logits;
  if (scores == "unit") model.rerank_scores = RerankScores::unit;
  read_timeouts(section, model.timeouts);
  read_retry(section, model.retry);
  read_hedge(section, model);
  section.flag("continue_on_failure", model.continue_on_failure);
  if (model.continue_on_failure && model.endpoints.size() == 1) {
    section.warn(section.place("continue_on_failure"),
                 '`' + section.path("continue_on_failure") + "` has no effect on a model with one endpoint");
  }
  read_health(section, model.health);
  read_queue(section, model.queue);
  if (std::optional<Section> batch = section.section("batch")) batch->count("max_items", model.batch_items);
  model.timeouts_key = "models[" + model.name + "].timeouts";
  model.first_byte_key = model.timeouts_key + ".first_byte";
  return model;
}

}  // namespace

void read_models(Section& top, Config& config) {
  Bytes stream_buffer = Model{}.stream_buffer;
  top.size("stream_buffer", stream_buffer);
  TakenNames taken;
  for (Section& section : top.sections("models")) {
    Model model = read_one(section, taken, config);
    model.stream_buffer = stream_buffer;
    section.size("stream_buffer", model.stream_buffer);
    config.models.push_back(std::move(model));
  }
  const auto near = [&](const Endpoint& endpoint) { return endpoint.zone == config.zone; };
  const auto has_near = [&](const Model& model) {
    return std::any_of(model.endpoints.begin(), model.endpoints.end(), near);
  };
  if (!config.zone.empty() && std::none_of(config.models.begin(), config.models.end(), has_near))
    top.warn(top.place("zone"), "no endpoint stands in the zone " + text::quoted(config.zone));
  if (top.length("models") == 0U) top.problem(top.place("models"), "`models` must name at least one model");
}

}  // namespace intragate::config
