#include "dialect/tgi.h"

#include <array>
#include <charconv>

#include "base/json_write.h"
#include "dialect/prompt.h"
#include "dialect/raw.h"

namespace intragate::dialect {
namespace {

using json::Kind;
using json::Member;

double number_of(std::string_view raw) {
  double value = 0;
  (void)std::from_chars(raw.data(), raw.data() + raw.size(), value);
  return value;
}

// TGI refuses a temperature of 0 and a top_p of 1: there they mean what leaving them out means here.
void write_sampling(const llm::Request& request, json::Writer& json) {
  const std::string_view temperature = request.raw("temperature");
  if (is_number(temperature) && number_of(temperature) > 0)
    json.raw("temperature", temperature).flag("do_sample", true);
  if (is_number(temperature) && number_of(temperature) <= 0) json.flag("do_sample", false);
  const std::string_view top_p = request.raw("top_p");
  if (is_number(top_p) && number_of(top_p) > 0 && number_of(top_p) < 1) json.raw("top_p", top_p);
  const std::string_view top_k = request.raw("top_k");
  if (is_number(top_k) && number_of(top_k) > 0) json.raw("top_k", top_k);
  constexpr auto kSame = std::to_array<std::string_view>({"seed", "frequency_penalty", "repetition_penalty"});
  for (const std::string_view name : kSame) {
    if (is_number(request.raw(name))) json.raw(name, request.raw(name));
  }
}

constexpr std::size_t kMostStops = 4;  // that TGI takes unless told otherwise

void write_parameters(const llm::Request& request, const std::vector<std::string>& stops, json::Writer& json) {
  json.open_object("parameters").flag("details", true).flag("return_full_text", false);
  if (request.max_tokens) json.number("max_new_tokens", static_cast<std::int64_t>(*request.max_tokens));
  write_sampling(request, json);
  if (!stops.empty()) {
    json.open_array("stop");
    for (const std::string& stop : stops) json.element(stop);
    json.close_array();
  }
  const AnswerFormat format = answer_format(request.raw("response_format"));
  if (format.json) {
    json.open_object("grammar").text("type", "json");
    json.raw("value", format.schema.empty() ? R"({"type":"object"})" : format.schema).close_object();
  }
  json.close_object();
}

void read_details(std::string_view details, llm::Delta& into) {
  llm::Usage usage{.source = llm::UsageSource::upstream};
  json::ObjectScan scan{details};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "finish_reason")) into.finish = member->value == "\"length\"" ? "length" : "stop";
    if (json::key_is(*member, "generated_tokens"))
      usage.completion_tokens = json::unsigned_number(member->value).value_or(0);
    if (json::key_is(*member, "input_length")) usage.prompt_tokens = json::unsigned_number(member->value).value_or(0);
  }
  if (usage.completion_tokens > 0) into.usage = usage;
}

void read_error(const Member& error, llm::Delta& into) {
  into.failed = true;
  json::append_text(into.error, error.value);
}

class Tgi final : public Converter {
 public:
  explicit Tgi(Prompts prompts) : prompts_{std::move(prompts)} {}

  Result<Sending> request(const llm::Request& request) const override {
    Result<std::string> prompt = prompts_.of(request);
    if (!prompt) return std::move(prompt).error();
    Sending sending{
        .path = request.stream ? "/generate_stream" : "/generate", .body = {}, .tools = prompts_.tools(request)};
    json::Writer json{sending.body};
    json.open_object().text("inputs", *prompt);
    write_parameters(request, prompts_.stops(request, kMostStops), json);
    json.close_object();
    return sending;
  }

  void event(llm::Api /*api*/, std::string_view data, llm::Delta& into) const override {
    json::ObjectScan scan{data};
    while (const std::optional<Member> member = scan.next()) {
      if (json::key_is(*member, "token") && member->kind == Kind::object) read_token(member->value, into);
      if (json::key_is(*member, "details") && member->kind == Kind::object) read_details(member->value, into);
      if (json::key_is(*member, "generated_text")) into.done = member->kind == Kind::string;
      if (json::key_is(*member, "error")) read_error(*member, into);
    }
    into.malformed = scan.failed();
  }

  void answer(llm::Api api, std::string_view body, llm::Delta& into) const override {
    const std::optional<Member> first = follow(body, "/0");  // some versions answer with a list of one
    const std::string_view object = first ? first->value : body;
    json::ObjectScan scan{object};
    while (const std::optional<Member> member = scan.next()) {
      if (json::key_is(*member, "generated_text")) {
        json::append_text(into.text, member->value);
        into.done = true;
      }
      if (json::key_is(*member, "details") && member->kind == Kind::object) read_details(member->value, into);
      if (json::key_is(*member, "error")) read_error(*member, into);
    }
    into.malformed = scan.failed() || (!into.done && !into.failed);
    if (api == llm::Api::chat) prompts_.cut_end(into.text);
  }

  std::string refusal(std::string_view body) const override {
    std::string words;
    const std::optional<Member> error = follow(body, "/error");
    if (error) json::append_text(words, error->value);
    return words;
  }

  net::EventFraming framing() const override { return net::EventFraming::sse; }

 private:
  static void read_token(std::string_view token, llm::Delta& into) {
    bool special = false;
    json::ObjectScan scan{token};
    while (const std::optional<Member> member = scan.next()) {
      if (json::key_is(*member, "text")) json::append_text(into.text, member->value);
      if (json::key_is(*member, "special")) special = member->value == "true";
    }
    if (special) into.text.clear();
  }

  Prompts prompts_;
};

}  // namespace

Result<std::unique_ptr<const Converter>> make_tgi(const config::Endpoint& endpoint) {
  Result<Prompts> prompts = Prompts::make(endpoint);
  if (!prompts) return std::move(prompts).error();
  return std::unique_ptr<const Converter>{std::make_unique<const Tgi>(*std::move(prompts))};
}

}  // namespace intragate::dialect
