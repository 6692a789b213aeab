#include "tokenizer/tokenizer.h"

#include <algorithm>

#include "base/json_scan.h"
#include "base/text.h"
#include "jinja/json.h"
#include "jinja/text.h"

namespace intragate::tokenizer {
namespace {

using jinja::Object;
using jinja::Value;
using Kind = Value::Kind;

// The members of tokenizer.json, as they are written.
struct Parts {
  std::string_view normalizer = "null";
  std::string_view splitter = "null";
  std::string_view added = "[]";
  std::string_view framing = "null";
  std::string_view model;
};

Result<Parts> read_parts(std::string_view json) {
  Parts parts;
  json::ObjectScan scan{json};
  while (const std::optional<json::Member> member = scan.next()) {
    if (json::key_is(*member, "normalizer")) parts.normalizer = member->value;
    if (json::key_is(*member, "pre_tokenizer")) parts.splitter = member->value;
    if (json::key_is(*member, "added_tokens")) parts.added = member->value;
    if (json::key_is(*member, "post_processor")) parts.framing = member->value;
    if (json::key_is(*member, "model") && member->kind == json::Kind::object) parts.model = member->value;
  }
  if (scan.failed()) return unusable("the file is not one JSON object: " + scan.problem());
  if (parts.model.empty()) return unusable("the file has no `model`");
  return parts;
}

// How many special tokens a post-processor puts around one text.
std::size_t frame_of(const Value& config, unsigned depth) {
  constexpr unsigned kDeepest = 8;
  if (!config.is(Kind::object) || depth > kDeepest) return 0;
  const auto list_at = [&](std::string_view name) -> const std::vector<Value>* {
    const Value* const value = config.object().find(name);
    return value != nullptr && value->is(Kind::list) ? &value->list() : nullptr;
  };
  const Value* const type = config.object().find("type");
  const std::string_view kind = type != nullptr && type->is(Kind::string) ? std::string_view{type->string()} : "";
  if (kind == "BertProcessing" || kind == "RobertaProcessing") return 2;
  std::size_t count = 0;
  if (const std::vector<Value>* all = list_at("processors"); all != nullptr && kind == "Sequence") {
    for (const Value& one : *all) count += frame_of(one, depth + 1);
  }
  if (const std::vector<Value>* all = list_at("single"); all != nullptr && kind == "TemplateProcessing") {
    count += static_cast<std::size_t>(std::count_if(all->begin(), all->end(), [](const Value& one) {
      return one.is(Kind::object) && one.object().find("SpecialToken") != nullptr;
    }));
  }
  return count;
}

bool flag(const Object& object, std::string_view name) {
  const Value* const value = object.find(name);
  return value != nullptr && value->truth();
}

}  // namespace

Result<Tokenizer> Tokenizer::make(std::string_view json) {
  if (json.size() > kLargestFile) return unusable("the file is larger than 64 MiB");
  Result<Parts> parts = read_parts(json);
  if (!parts) return std::move(parts).error();
  const Result<Value> normalizer_config = jinja::from_json(parts->normalizer);
  const Result<Value> splitter_config = jinja::from_json(parts->splitter);
  const Result<Value> added = jinja::from_json(parts->added);
  const Result<Value> framing = jinja::from_json(parts->framing);
  if (!normalizer_config || !splitter_config || !added || !framing) return unusable("the file is malformed");
  Result<Normalizer> normalizer = Normalizer::make(*normalizer_config);
  if (!normalizer) return std::move(normalizer).error();
  Result<Splitter> splitter = Splitter::make(*splitter_config);
  if (!splitter) return std::move(splitter).error();
  Result<Model> model =
      make_model(parts->model, splitter->byte_level() ? Bpe::Symbols::bytes : Bpe::Symbols::characters);
  if (!model) return std::move(model).error();
  Tokenizer made{std::move(*normalizer), std::move(*splitter), std::move(*model)};
  made.add_tokens(*added);
  made.frame_ = frame_of(*framing, 0);
  return made;
}

void Tokenizer::add_tokens(const Value& added) {
  if (!added.is(Kind::list)) return;
  for (const Value& one : added.list()) {
    if (!one.is(Kind::object)) continue;
    const Value* const content = one.object().find("content");
    if (content == nullptr || !content->is(Kind::string) || content->string().empty()) continue;
    const std::string& text = content->string();
    added_.push_back(
        {.text = text, .takes_left = flag(one.object(), "lstrip"), .takes_right = flag(one.object(), "rstrip")});
    begins_added_[static_cast<unsigned char>(text.front())] = true;
    if (flag(one.object(), "special")) special_.push_back(text);
  }
  std::stable_sort(added_.begin(), added_.end(),
                   [](const Added& a, const Added& b) { return a.text.size() > b.text.size(); });
}

const Tokenizer::Added* Tokenizer::added_at(std::string_view text) const {
  if (!begins_added_[static_cast<unsigned char>(text.front())]) return nullptr;
  const auto found =
      std::find_if(added_.begin(), added_.end(), [text](const Added& one) { return text.starts_with(one.text); });
  return found == added_.end() ? nullptr : &*found;
}

std::optional<std::size_t> Tokenizer::count_plain(std::string_view text, bool first) const {
  if (text.empty()) return 0;
  Words words;
  if (normalizer_.changes()) {
    std::optional<std::string> normal = normalizer_.apply(std::string{text});
    if (!normal) return std::nullopt;
    text = words.made.emplace_back(*std::move(normal));
    if (text.empty()) return 0;
  }
  words.words.push_back(text);
  if (!splitter_.split(words, first)) return std::nullopt;
  const auto count = [&words](const auto& model) {
    std::size_t sum = 0;
    for (const std::string_view word : words.words) sum += model.count(word);
    return sum;
  };
  return std::visit(count, model_);
}

std::optional<std::size_t> Tokenizer::count(std::string_view text) const {
  std::size_t count = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Added* const added = added_at(text.substr(at));
    if (added == nullptr) {
      ++at;
      continue;
    }
    std::string_view before = text.substr(begin, at - begin);
    if (added->takes_left) before = jinja::stripped(before, jinja::Side::right);
    const std::optional<std::size_t> plain = count_plain(before, begin == 0);
    if (!plain) return std::nullopt;
    count += *plain + 1;
    at += added->text.size();
    if (added->takes_right) at = text.size() - jinja::stripped(text.substr(at), jinja::Side::left).size();
    begin = at;
  }
  const std::optional<std::size_t> rest = count_plain(text.substr(begin), begin == 0);
  if (!rest) return std::nullopt;
  return count + *rest;
}

}  // namespace intragate::tokenizer
