// `content_rules`: what prompts and answers are looked through for, compiled here, so that a bad expression is an error
// of the file.
#include <algorithm>
#include <functional>
#include <map>

#include "base/text.h"
#include "base/wildcard.h"
#include "config/problems.h"
#include "config/readers.h"
#include "config/references.h"

namespace intragate::config {
namespace {

constexpr std::size_t kMostRules = 64;
constexpr std::size_t kMostPatterns = 32;                     // of a rule
constexpr std::size_t kLargestList = std::size_t{16} << 20U;  // bytes of a file of words
constexpr std::size_t kMostWords = 1'000'000;
constexpr std::size_t kLongestName = 64;

// Names stand in masks, metrics and records.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), [](char c) {
    return text::is_letter(c) || text::is_digit(c) || c == '-' || c == '_' || c == '.';
  });
}

void read_kinds(Section& section, content::Rule& rule, std::string& source) {
  const std::vector<std::string_view> known = split_words(find_key("content_rules[].detect")->values);
  for (const Scalar& kind : section.names("detect")) {
    const auto found = std::find(known.begin(), known.end(), kind.text);
    if (found == known.end()) {
      section.problem(kind.place, text::quoted(kind.text) + " is nothing that can be detected",
                      did_you_mean(text::closest_word(kind.text, known)));
      continue;
    }
    rule.kinds.set(static_cast<std::size_t>(found - known.begin()));
  }
  source += rule.kinds.to_string();
}

void read_patterns(Section& section, content::Rule& rule, std::string& source) {
  for (const Scalar& expression : section.names("patterns")) {
    if (rule.patterns.size() == kMostPatterns) {
      return section.problem(expression.place, "a content rule has at most 32 patterns");
    }
    Result<content::Pattern> pattern = content::Pattern::make(expression.text);
    if (!pattern) {
      const std::string shown = expression.replaced() ? std::string{} : ' ' + text::quoted(expression.written);
      section.problem(expression.place, "the pattern" + shown + " cannot be used: " + pattern.error().message);
      continue;
    }
    source += '\n' + expression.text;
    rule.patterns.push_back(*std::move(pattern));
  }
}

// One word a line; empty lines and those that begin with # are left out.
void read_words(Section& section, content::Rule& rule, std::string& source) {
  std::string path;
  section.file_path("words", path);
  if (path.empty()) return;
  section.reading().files.push_back(path);
  const auto refuse = [&](const std::string& why) {
    section.problem(section.place("words"), '`' + section.path("words") + "`: " + why);
  };
  Result<std::string> content = read_file(path, kLargestList);
  if (!content) return refuse(content.error().message);
  std::string_view rest{*content};
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (rest.starts_with(kMark)) rest.remove_prefix(kMark.size());
  std::vector<std::string> words;
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view word = text::trim(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    if (word.empty() || word.starts_with('#')) continue;
    const std::string where = text::quoted(path) + " line " + std::to_string(line) + ": ";
    if (text::first_illegal_byte(word)) return refuse(where + "this is no UTF-8 text");
    if (word.size() > content::kLongestWord) return refuse(where + "a word has at most 256 bytes");
    words.emplace_back(word);
    if (words.size() > kMostWords) return refuse(text::quoted(path) + " has more than 1,000,000 words");
  }
  if (words.empty()) return refuse(text::quoted(path) + " has no words");
  Result<content::WordList> list = content::WordList::make(std::move(words));
  if (!list) return refuse(list.error().message);
  rule.words = *std::move(list);
  source += '\n' + path + ' ' + std::to_string(std::hash<std::string>{}(*content));
}

void read_patterns_of_names(Section& section, std::string_view key, std::vector<std::string>& into) {
  if (!section.has(key)) return;
  into.clear();
  for (Scalar& name : section.names(key)) {
    if (name.text.empty() || name.text == "!") {
      section.problem(name.place,
                      '`' + section.path(key) + "` holds names, or patterns with `*`; `!` before one: not it");
      continue;
    }
    into.push_back(std::move(name.text));
  }
  // Only exceptions: of all the others.
  const bool denies_only = std::all_of(into.begin(), into.end(), [](const auto& name) { return name[0] == kDenies; });
  if (into.empty()) section.warn(section.place(key), '`' + section.path(key) + "` is empty: the rule is for no call");
  if (denies_only && !into.empty()) into.insert(into.begin(), "*");
}

// A model is meant by each of its names. One that nobody has is most likely a mistake, and then nothing would be looked
// for.
void read_models_of_rule(Section& section, const std::vector<Model>& models, ContentRule& rule) {
  read_patterns_of_names(section, "models", rule.models);
  const bool any_name = std::any_of(models.begin(), models.end(), [](const Model& model) { return model.name == "*"; });
  const std::vector<std::string> written = rule.models;
  for (const std::string_view pattern : written) {
    const bool denies = pattern.starts_with(kDenies);
    const std::string_view name = pattern.substr(denies ? 1 : 0);
    bool known = any_name || name == "*";
    for (const Model& model : models) {
      const bool by_alias = std::any_of(model.aliases.begin(), model.aliases.end(),
                                        [&](const std::string& alias) { return matches_wildcard(name, alias); });
      known = known || by_alias || matches_wildcard(name, model.name);
      if (by_alias) rule.models.push_back((denies ? std::string{kDenies} : std::string{}) + model.name);
    }
    if (!known) {
      section.warn(section.place("models"), "there is no model " + text::quoted(name) + " for the content rule " +
                                                text::quoted(rule.rule->name));
    }
  }
}

ContentRule read_one(Section& section, const std::vector<Model>& models) {
  auto rule = std::make_shared<content::Rule>();
  ContentRule read;
  section.text("name", rule->name);
  if (!rule->name.empty() && !is_plain_name(rule->name)) {
    section.problem(
        section.place("name"),
        "a content rule's name has at most 64 letters, digits, `-`, `_` and `.`: it stands in masks and metrics");
  }
  const std::string action = section.choice("action");
  if (action == "mask") rule->action = content::Action::mask;
  if (action == "refuse") rule->action = content::Action::refuse;
  const std::string where = section.choice("in");
  if (where == "prompt") rule->looks_at = {true, false};
  if (where == "answer") rule->looks_at = {false, true};
  read.source =
      rule->name + '\n' + action + (rule->looks_at[0] ? " prompt" : "") + (rule->looks_at[1] ? " answer\n" : "\n");
  read_kinds(section, *rule, read.source);
  read_patterns(section, *rule, read.source);
  read_words(section, *rule, read.source);
  const bool nothing = section.length("detect").value_or(0) + section.length("patterns").value_or(0) == 0;
  if (nothing && !section.has("words")) {
    section.problem(section.place(), section.path() + " looks for nothing: it needs `detect`, `patterns` or `words`");
  }
  read_patterns_of_names(section, "keys", read.keys);
  read.rule = std::move(rule);
  read_models_of_rule(section, models, read);
  return read;
}

bool names(const std::vector<std::string>& patterns, std::string_view name) {
  bool fits = false;
  for (const std::string_view pattern : patterns) {
    const bool denies = pattern.starts_with(kDenies);
    if (!matches_wildcard(pattern.substr(denies ? 1 : 0), name)) continue;
    if (denies) return false;
    fits = true;
  }
  return fits;
}

}  // namespace

bool ContentRule::is_for(std::string_view key, std::string_view model) const {
  return names(keys, key) && names(models, model);
}

void read_content_rules(Section& top, Config& config) {
  std::map<std::string, std::string, std::less<>> owners;
  for (Section& section : top.sections("content_rules")) {
    if (config.content_rules.size() == kMostRules) {
      return section.problem(section.place(), "there may be at most 64 content rules");
    }
    ContentRule rule = read_one(section, config.models);
    const auto [owner, fresh] = owners.emplace(rule.rule->name, section.path());
    if (!fresh && !rule.rule->name.empty()) {
      section.problem(section.place("name"),
                      "the name " + text::quoted(rule.rule->name) + " is already taken by " + owner->second);
    }
    config.content_rules.push_back(std::move(rule));
  }
}

}  // namespace intragate::config
