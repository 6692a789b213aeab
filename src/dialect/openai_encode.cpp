// What the gateway itself says in this dialect: errors and lists of models; and the lists that models' servers give.
#include <algorithm>
#include <array>

#include "base/error_table.h"
#include "base/json_scan.h"
#include "base/json_utf8.h"
#include "base/json_write.h"
#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

constexpr std::size_t kLongestError = 1023;  // bytes of the whole object; clients show all of it to people
constexpr std::size_t kMostModels = 10'000;
constexpr std::size_t kLongestId = 512;

std::string error_object(const Error& error, std::string_view message) {
  const ErrorRow& row = error_row(error.code);
  std::string out;
  json::Writer json{out};
  json.open_object().open_object("error");
  json.text("message", message).text("type", row.type).null("param").text("code", row.name);
  json.close_object().close_object();
  return out;
}

// At most `limit` bytes of `text`, cut between characters.
std::string_view shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

void append_model(json::Writer& json, const ModelEntry& model) {
  json.open_object().text("id", model.id).text("object", "model").number("created", model.created);
  json.text("owned_by", "intragate");
  if (model.context_window > 0) json.number("context_window", static_cast<std::int64_t>(model.context_window));
  if (!model.kind.empty()) json.text("kind", model.kind);
  if (!model.capabilities.empty()) {
    json.open_array("capabilities");
    for (const std::string_view api : model.capabilities) json.element(api);
    json.close_array();
  }
  json.close_object();
}

Error bad_list(std::string_view why) {
  return make_error(Code::upstream_malformed, "The model server's list of models cannot be used.")
      .because("its /v1/models answer: " + std::string{why});
}

// The id in one entry of a list; empty when there is none that can be used.
std::string model_id(std::string_view entry, std::string_view key) {
  json::ObjectScan scan{entry};
  std::string id;
  while (const std::optional<Member> member = scan.next()) {
    if (member->kind != Kind::string || !json::key_is(*member, key)) continue;
    Result<std::string> text = json::unescape(member->value);
    if (text && text->size() <= kLongestId) id = *std::move(text);
  }
  return id;
}

Result<std::vector<std::string>> read_list(std::string_view list, std::string_view key) {
  std::vector<std::string> ids;
  json::ArrayScan scan{list};
  while (const std::optional<Member> entry = scan.next()) {
    std::string id = entry->kind == Kind::object ? model_id(entry->value, key) : std::string{};
    if (id.empty()) continue;
    if (ids.size() == kMostModels) return bad_list("more than 10,000 models");
    ids.push_back(std::move(id));
  }
  if (scan.failed()) return bad_list("the list is not valid JSON");
  return ids;
}

}  // namespace

Closing close_answer(llm::Api api, std::string_view last, const llm::Usage* usage, Finish finish) {
  // What names the answer is the same in all its events.
  constexpr std::array<std::string_view, 5> kNames{"id", "object", "created", "model", "system_fingerprint"};
  std::string named;
  json::ObjectScan scan{last};
  while (const std::optional<Member> member = scan.next()) {
    if (std::find(kNames.begin(), kNames.end(), member->key) == kNames.end()) continue;
    named += '"' + std::string{member->key} + "\":" + std::string{member->value} + ',';
  }
  Closing closing;
  closing.finish = "{" + named + "\"choices\":[{\"index\":" + std::to_string(finish.choice) +
                   (api == llm::Api::completions ? R"(,"text":"")" : R"(,"delta":{})") +
                   R"(,"logprobs":null,"finish_reason":")" + std::string{finish.reason} + "\"}]}";
  if (usage == nullptr) return closing;
  json::Writer counts{closing.usage};
  counts.open_object().number("prompt_tokens", static_cast<std::int64_t>(usage->prompt_tokens));
  counts.number("completion_tokens", static_cast<std::int64_t>(usage->completion_tokens));
  counts.number("total_tokens", static_cast<std::int64_t>(usage->prompt_tokens + usage->completion_tokens));
  counts.close_object();
  closing.usage = "{" + named + "\"choices\":[],\"usage\":" + closing.usage + "}";
  return closing;
}

std::string encode_error(const Error& error) {
  std::string out = error_object(error, error.message);
  // Escapes may make the object longer than the message: cut the message until it fits.
  for (std::size_t limit = 800; out.size() > kLongestError; limit /= 2) {
    out = error_object(error, std::string{shortened(error.message, limit)} + "…");
  }
  return out;
}

std::string encode_models(std::span<const ModelEntry> models) {
  std::string out;
  json::Writer json{out};
  json.open_object().text("object", "list").open_array("data");
  for (const ModelEntry& model : models) append_model(json, model);
  json.close_array().close_object();
  return out;
}

std::string encode_model(const ModelEntry& model) {
  std::string out;
  json::Writer json{out};
  append_model(json, model);
  return out;
}

Result<std::vector<std::string>> decode_models(std::string_view body) {
  constexpr std::string_view kNone = "[]";  // some servers without a model say null
  std::optional<std::string_view> data;
  std::optional<std::string_view> models;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (member->kind != Kind::array && member->kind != Kind::null) continue;
    const std::string_view list = member->kind == Kind::array ? member->value : kNone;
    if (json::key_is(*member, "data")) data = list;
    if (json::key_is(*member, "models")) models = list;
  }
  if (scan.failed()) return bad_list(scan.problem());
  if (data) return read_list(*data, "id");
  if (models) return read_list(*models, "name");
  return bad_list("neither `data` nor `models` is a list");
}

}  // namespace intragate::dialect::openai
