#include "dialect/template.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "dialect/prompt.h"
#include "dialect/raw.h"
#include "jinja/json.h"
#include "prompt/body.h"

namespace intragate::dialect {
namespace {

using config::Pointers;
using config::StreamFraming;
using json::Kind;
using json::Member;
using prompt::BodyName;

constexpr std::string_view kUsualEnd = "[DONE]";

// Whether the pointer leads to something that is said: not null, false, "" or 0.
std::optional<Member> said_at(std::string_view json, std::string_view pointer) {
  if (pointer.empty()) return std::nullopt;
  std::optional<Member> found = follow(json, pointer);
  if (!found || found->kind == Kind::null) return std::nullopt;
  constexpr auto kNothing = std::to_array<std::string_view>({"false", "\"\"", "0", "{}", "[]"});
  const bool nothing = std::find(kNothing.begin(), kNothing.end(), found->value) != kNothing.end();
  return nothing ? std::nullopt : found;
}

// Of a text its text, of anything else its JSON.
void append_words(std::string& out, const Member& member) {
  if (member.kind == Kind::string) {
    json::append_text(out, member.value);
  } else {
    out += member.value;
  }
}

// OpenAI's word for that of another interface; empty: it goes on.
std::string_view finish_word(const Member& reason) {
  if (reason.kind != Kind::string) return "stop";  // true, or a number
  std::string word;
  json::append_text(word, reason.value);
  word = text::lower(word);
  constexpr auto kGoesOn = std::to_array<std::string_view>({"none", "null", "continue", "running"});
  constexpr auto kLength = std::to_array<std::string_view>(
      {"length", "limit", "max_tokens", "max_length", "max_new_tokens", "model_length", "truncated"});
  const auto is_one = [&](const auto& words) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (is_one(kGoesOn)) return {};
  if (is_one(kLength)) return "length";
  return word == "content_filter" ? "content_filter" : "stop";
}

bool is_json(std::string_view data) {
  const std::size_t first = data.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  if (data[first] == '[') {
    json::ArrayScan scan{data};
    while (scan.next()) {
    }
    return !scan.failed();
  }
  json::ObjectScan scan{data};
  while (scan.next()) {
  }
  return !scan.failed();
}

// What a JSON text says, by the pointers to it.
void read(std::string_view json, const Pointers& at, llm::Delta& into) {
  if (const std::optional<Member> error = said_at(json, at.error)) {
    into.failed = true;
    return append_words(into.error, *error);
  }
  const auto append = [&](std::string_view pointer, std::string& text) {
    if (const std::optional<Member> found = said_at(json, pointer)) json::append_text(text, found->value);
  };
  append(at.text, into.text);
  append(at.reasoning, into.reasoning);
  if (const std::optional<Member> reason = said_at(json, at.finish_reason)) into.finish = finish_word(*reason);
  const auto count = [&](std::string_view pointer) {
    const std::optional<Member> found = said_at(json, pointer);
    return found ? json::unsigned_number(found->value).value_or(0) : 0;
  };
  const llm::Usage usage{count(at.prompt_tokens), count(at.completion_tokens), llm::UsageSource::upstream};
  if (usage.completion_tokens > 0) into.usage = usage;
}

// What can stand in the head's first line.
bool is_target(std::string_view path) {
  return path.starts_with('/') && path.size() <= 4096 &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
}

class Template final : public Converter {
 public:
  Template(const config::Template& custom, Prompts prompts, prompt::BodyTemplate body, jinja::Template path)
      : to_{custom}, prompts_{std::move(prompts)}, body_{std::move(body)}, path_{std::move(path)} {
    for (const auto& [name, value] : to_.headers) headers_ += name + ": " + value.reveal() + "\r\n";
  }

  Result<Sending> request(const llm::Request& request) const override {
    Result<jinja::Object> values = values_of(request);
    if (!values) return std::move(values).error();
    Result<std::string> path = path_.render(place_of(request), request.now);
    if (!path) return std::move(path).error();
    if (!is_target(*path)) return make_error(Code::invalid_request, "This model's name cannot be used at its server.");
    Result<std::string> body = body_.render(*values, request.now);
    if (!body) return std::move(body).error();
    return Sending{.path = *std::move(path),
                   .body = *std::move(body),
                   .headers = headers_,
                   .method = to_.method,
                   .tools = prompts_.tools(request)};
  }

  void event(llm::Api api, std::string_view data, llm::Delta& into) const override {
    switch (to_.framing) {
      case StreamFraming::none: return answer(api, data, into);
      case StreamFraming::text: into.text = data; return;
      case StreamFraming::sse:
      case StreamFraming::ndjson: break;
    }
    if (data == (to_.done.empty() ? kUsualEnd : std::string_view{to_.done})) {
      into.done = true;
      return;
    }
    if (to_.event.text.empty()) {
      into.text = data;
      return;
    }
    into.malformed = !is_json(data);
    if (into.malformed) return;
    read(data, to_.event, into);
    if (to_.done.starts_with('/') && said_at(data, to_.done)) into.done = true;
  }

  void answer(llm::Api api, std::string_view body, llm::Delta& into) const override {
    if (to_.answer.text.empty()) {
      into.text = body;
    } else {
      into.malformed = !is_json(body);
      if (into.malformed) return;
      read(body, to_.answer, into);
      const std::optional<Member> text = follow(body, to_.answer.text);
      into.malformed = !into.failed && (!text || (text->kind != Kind::string && text->kind != Kind::null));
    }
    if (api == llm::Api::chat) prompts_.cut_end(into.text);
    if (into.finish.empty()) into.finish = "stop";
    into.done = true;
  }

  std::string refusal(std::string_view body) const override {
    constexpr auto kUsual = std::to_array<std::string_view>({"/error/message", "/error", "/message", "/detail"});
    std::string words;
    std::optional<Member> found = said_at(body, to_.answer.error);
    for (std::size_t i = 0; !found && i < kUsual.size(); ++i) found = said_at(body, kUsual[i]);
    if (found) append_words(words, *found);
    return words;
  }

  net::EventFraming framing() const override {
    switch (to_.framing) {
      case StreamFraming::sse: return net::EventFraming::sse;
      case StreamFraming::ndjson: return net::EventFraming::ndjson;
      case StreamFraming::text: return net::EventFraming::text;
      case StreamFraming::none: break;
    }
    return net::EventFraming::whole;
  }
  bool says_done() const override { return !to_.done.empty() || !to_.event.finish_reason.empty(); }

 private:
  [[nodiscard]] bool streams(const llm::Request& request) const {
    return request.stream && to_.framing != StreamFraming::none;
  }

  // A path is made of nothing that clients write.
  [[nodiscard]] jinja::Object place_of(const llm::Request& request) const {
    return {{"api", llm::api_name(request.api)}, {"model", request.model}, {"stream", streams(request)}};
  }

  [[nodiscard]] Result<jinja::Object> values_of(const llm::Request& request) const {
    jinja::Object values = place_of(request);
    if (request.api == llm::Api::embeddings || body_.uses("prompt")) {
      Result<std::string> text = prompts_.of(request);
      if (!text) return std::move(text).error();
      values.set("prompt", *std::move(text));
    }
    if (wants_tools(request) && !body_.uses("tools") && !body_.uses("prompt")) return no_tools();
    if (body_.uses("messages")) {
      Result<jinja::Value> messages = messages_of(request);
      if (!messages) return std::move(messages).error();
      values.set("messages", *std::move(messages));
    }
    values.set("bos", prompts_.bos());
    std::vector<jinja::Value> stops;
    for (std::string& stop : prompts_.stops(request)) stops.emplace_back(std::move(stop));
    values.set("stop", std::move(stops));
    if (request.max_tokens) values.set("max_tokens", *request.max_tokens);
    for (const BodyName& name : prompt::kBodyNames) {
      Result<Unit> added = add_sent(request, name, values);
      if (!added) return std::move(added).error();
    }
    return values;
  }

  // What clients may leave out, of the kind that the template counts on.
  [[nodiscard]] Result<Unit> add_sent(const llm::Request& request, const BodyName& name, jinja::Object& values) const {
    const std::string_view raw = request.raw(name.name);
    if (name.always || raw.empty() || name.name == "max_tokens" || !body_.uses(name.name)) return Unit{};
    const auto wrong = [&](std::string_view what) {
      return make_error(Code::invalid_request,
                        "The request's `" + std::string{name.name} + "` must be " + std::string{what} + ".");
    };
    Result<jinja::Value> value = jinja::from_json(raw);
    if (!value) return wrong("valid JSON");
    if (name.kind == BodyName::Kind::number &&
        (!value->is_number() || value->is(jinja::Value::Kind::boolean) || !std::isfinite(value->real()))) {
      return wrong("a number");
    }
    if (name.kind == BodyName::Kind::text && !value->is(jinja::Value::Kind::string)) return wrong("a text");
    values.set(name.name, *std::move(value));
    return Unit{};
  }

  config::Template to_;
  Prompts prompts_;
  prompt::BodyTemplate body_;
  jinja::Template path_;
  std::string headers_;
};

}  // namespace

Result<std::unique_ptr<const Converter>> make_template(const config::Endpoint& endpoint) {
  Result<Prompts> prompts = Prompts::make(endpoint);
  if (!prompts) return std::move(prompts).error();
  Result<prompt::BodyTemplate> body = prompt::BodyTemplate::make(endpoint.custom.body);
  if (!body) return std::move(body).error();
  Result<jinja::Template> path = jinja::Template::compile(endpoint.custom.path);
  if (!path) return std::move(path).error();
  return std::unique_ptr<const Converter>{
      std::make_unique<const Template>(endpoint.custom, *std::move(prompts), *std::move(body), *std::move(path))};
}

}  // namespace intragate::dialect
