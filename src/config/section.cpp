#include "config/section.h"

#include <algorithm>
#include <cassert>

#include "base/text.h"
#include "config/references.h"
#include "config/units.h"
#include "config/yaml_tree.h"

namespace intragate::config {
namespace {

constexpr std::size_t kLongestText = 4096;

std::string named(std::string_view path) {
  return '`' + std::string{path} + '`';
}

std::string_view kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return "one value";
    case Node::Kind::sequence: return "a list";
    case Node::Kind::mapping: return "a mapping";
  }
  return "";
}

// Where else a key of this name would be known: "it belongs in `models[].timeouts`".
std::string right_home(std::string_view key) {
  for (const KeyRow& row : key_table()) {
    if (last_name(row.path) != key) continue;
    const std::size_t dot = row.path.rfind('.');
    if (dot == std::string_view::npos) return "it belongs at the top of the file";
    return "it belongs in " + named(row.path.substr(0, dot));
  }
  return {};
}

std::string suggest_key(std::string_view key, std::string_view section) {
  std::vector<std::string_view> known;
  for (const KeyRow* row : keys_below(section)) known.push_back(last_name(row->path));
  const std::string_view closest = text::closest_word(key, known);
  if (!closest.empty()) return did_you_mean(closest);
  const std::string hint = colon_hint(key);
  return hint.empty() ? right_home(key) : hint;
}

// Whether a word of a later version, of which a trailing * stands for anything, is `word`.
bool is_later(std::string_view pattern, std::string_view word) {
  return pattern.ends_with('*') ? word.starts_with(pattern.substr(0, pattern.size() - 1)) : word == pattern;
}

}  // namespace

Section::Section(Reading& reading, const Node& mapping, std::string path)
    : reading_{reading}, mapping_{&mapping}, place_{mapping.place}, path_{std::move(path)} {
  if (mapping.kind != Node::Kind::mapping) {
    const std::string who = path_.empty() ? "the file" : named(path_);
    problem(place_, who + " must be a mapping (`key: value`), not " + std::string{kind_name(mapping.kind)},
            colon_hint(mapping.text));
    mapping_ = nullptr;
    return;
  }
  for (const Label& label : mapping.labels) check_key(label);
  check_required();
}

void Section::check_key(const Label& label) {
  if (reading_.problems.full()) return;  // looking for suggestions that nobody sees would be the dearest part of all
  const std::string where = path_.empty() ? "at the top" : "in " + path_;
  const bool plain = label.key.find_first_of(".[]") == std::string::npos;
  const KeyRow* known = plain ? find_key(path(label.key)) : nullptr;
  if (known == nullptr) {
    problem(label.place, "unknown key " + text::quoted(label.key) + ' ' + where, suggest_key(label.key, path_));
  } else if (known->use == Use::unavailable) {
    problem(label.place, named(label.key) + " is not available in this version", "leave it out");
  } else if (known->use == Use::ignored) {
    warn(label.place, named(path(label.key)) + " is known, but has no effect in this version");
  }
}

void Section::check_required() {
  for (const KeyRow* key : keys_below(path_)) {
    const std::string_view name = last_name(key->path);
    if (key->fallback != kRequired || has(name)) continue;
    problem(place_, named(name) + " is missing" + (path_.empty() ? std::string{} : " in " + path_));
  }
}

const Node* Section::find(std::string_view key) const {
  if (mapping_ == nullptr) return nullptr;
  const std::vector<Label>& labels = mapping_->labels;
  const auto at = std::find_if(labels.begin(), labels.end(), [&](const Label& label) { return label.key == key; });
  return at == labels.end() ? nullptr : &mapping_->items[static_cast<std::size_t>(at - labels.begin())];
}

const KeyRow& Section::row(std::string_view key) const {
  const KeyRow* known = find_key(path(key));
  assert(known != nullptr && known->use == Use::read);
  return *known;
}

Place Section::place(std::string_view key) const {
  const Node* node = find(key);
  return node == nullptr ? place_ : node->place;
}

std::string Section::path(std::string_view key) const {
  return path_.empty() ? std::string{key} : path_ + '.' + std::string{key};
}

void Section::problem(Place place, std::string message, std::string suggestion) {
  reading_.problems.add(place, std::move(message), std::move(suggestion));
}

void Section::warn(Place place, std::string message) {
  reading_.problems.warn(place, std::move(message));
}

std::optional<Scalar> Section::expanded(const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::null) {
    problem(node.place, named(path) + " has no value", "give it one, or leave the key out");
    return std::nullopt;
  }
  if (node.kind != Node::Kind::scalar) {
    const bool bracketed = node.kind == Node::Kind::sequence && node.items.size() == 1;
    problem(node.place, named(path) + " must be one value, not " + std::string{kind_name(node.kind)},
            bracketed ? "a value that begins with `[` needs quotes" : "");
    return std::nullopt;
  }
  Result<std::string> text = expand(node.text, reading_.environment);
  if (!text) {
    problem(node.place, named(path) + ": " + text.error().message);
    return std::nullopt;
  }
  return Scalar{.text = *std::move(text), .written = node.text, .place = node.place};
}

std::optional<Scalar> Section::scalar(std::string_view key) {
  const Node* node = find(key);
  return node == nullptr ? std::nullopt : expanded(*node, path(key));
}

void Section::unusable(std::string_view key, const Scalar& value, const Error& error) {
  if (value.replaced()) {
    problem(value.place, named(path(key)) + ": what " + text::quoted(value.written) +
                             " stands for is not usable here (" + describe(row(key)) + ')');
  } else {
    problem(value.place, named(path(key)) + ": " + error.message, error.detail);
  }
}

std::vector<Scalar> Section::names(std::string_view key) {
  std::vector<Scalar> out;
  const Node* node = find(key);
  if (node == nullptr) return out;
  if (node->kind != Node::Kind::sequence) {
    problem(node->place, named(path(key)) + " must be a list, not " + std::string{kind_name(node->kind)},
            node->kind == Node::Kind::scalar ? "write it in `[` and `]`" : "");
    return out;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    std::optional<Scalar> item = expanded(node->items[i], path(key) + '[' + std::to_string(i) + ']');
    if (item) out.push_back(*std::move(item));
  }
  return out;
}

std::vector<std::pair<Label, Scalar>> Section::pairs(std::string_view key) {
  std::vector<std::pair<Label, Scalar>> out;
  const Node* node = find(key);
  if (node == nullptr) return out;
  if (node->kind != Node::Kind::mapping) {
    problem(node->place,
            named(path(key)) + " must be a mapping (`key: value`), not " + std::string{kind_name(node->kind)});
    return out;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    std::optional<Scalar> item = expanded(node->items[i], path(key) + '.' + node->labels[i].key);
    if (item) out.emplace_back(node->labels[i], *std::move(item));
  }
  return out;
}

std::string Section::choice(std::string_view key) {
  const std::optional<Scalar> value = scalar(key);
  if (!value) return {};
  const KeyRow& known = row(key);
  const std::vector<std::string_view> words = split_words(known.values);
  if (std::find(words.begin(), words.end(), value->text) != words.end()) return value->text;
  for (const std::string_view later : split_words(known.later)) {
    if (!is_later(later, value->text)) continue;
    problem(value->place, '`' + std::string{key} + ": " + std::string{later} + "` is not available in this version",
            "this version knows " + describe(known));
    return {};
  }
  const std::string_view closest = text::closest_word(value->text, words);
  unusable(key, *value,
           make_error(Code::invalid_configuration, text::quoted(value->written) + " is not " + describe(known))
               .because(did_you_mean(closest)));
  return {};
}

void Section::text(std::string_view key, std::string& into) {
  std::optional<Scalar> value = scalar(key);
  if (!value) return;
  const bool control = std::any_of(value->text.begin(), value->text.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  const bool usable = !value->text.empty() && value->text.size() <= kLongestText && !control;
  if (usable) {
    into = std::move(value->text);
  } else {
    problem(value->place, named(path(key)) + " must be 1 to 4096 bytes of text without control characters");
  }
}

void Section::lines(std::string_view key, std::string& into) {
  std::optional<Scalar> value = scalar(key);
  if (!value) return;
  const bool control = std::any_of(value->text.begin(), value->text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
  });
  if (!value->text.empty() && !control) {
    into = std::move(value->text);
  } else {
    problem(value->place, named(path(key)) + " must be text without control characters");
  }
}

void Section::pointer(std::string_view key, std::string& into) {
  const std::optional<Scalar> value = scalar(key);
  if (!value) return;
  const std::string& text = value->text;
  if (!text.starts_with('/')) {
    return unusable(key, *value,
                    make_error(Code::invalid_configuration, text::quoted(value->written) + " is not a JSON pointer")
                        .because("a pointer looks like `/choices/0/text`"));
  }
  for (std::size_t at = text.find('~'); at != std::string::npos; at = text.find('~', at + 1)) {
    if (at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1')) continue;
    return unusable(key, *value,
                    make_error(Code::invalid_configuration, text::quoted(value->written) + " is not a JSON pointer")
                        .because("within a name `~` is written `~0` and `/` is `~1`"));
  }
  this->text(key, into);
}

void Section::file_path(std::string_view key, std::string& into) {
  std::string path;
  text(key, path);
  if (!path.empty()) into = resolve(reading_.folder, path);
}

void Section::file_content(std::string_view key, std::string& into) {
  std::string path;
  file_path(key, path);
  if (path.empty()) return;
  reading_.files.push_back(path);
  Result<std::string> content = read_file(path, kLargestFile);
  if (content) {
    into = *std::move(content);
  } else {
    problem(place(key), named(this->path(key)) + ": " + content.error().message);
  }
}

void Section::private_content(std::string_view key, Secret& into) {
  std::string path;
  file_path(key, path);
  if (path.empty()) return;
  reading_.files.push_back(path);
  Result<std::string> content = read_private_file(path, kLargestFile);
  if (!content) return problem(place(key), named(this->path(key)) + ": " + content.error().message);
  check_readers(place(key), named(this->path(key)), path);
  into = Secret{*std::move(content)};
}

void Section::check_readers(Place place, const std::string& who, const std::string& file) {
  if (const std::optional<std::string> remark = exposure_remark(file)) warn(place, who + ": " + *remark);
}

void Section::flag(std::string_view key, bool& into) {
  const std::optional<Scalar> value = scalar(key);
  if (!value) return;
  if (value->text == "true" || value->text == "false") {
    into = value->text == "true";
    return;
  }
  const std::string word = text::lower(value->text);
  const bool yes = word == "yes" || word == "on" || word == "1" || word == "true";
  const bool no = word == "no" || word == "off" || word == "0" || word == "false";
  unusable(key, *value,
           make_error(Code::invalid_configuration, text::quoted(value->written) + " is neither `true` nor `false`")
               .because(did_you_mean(yes  ? "true"
                                     : no ? "false"
                                          : "")));
}

template <class T, class Parse>
void Section::quantity(std::string_view key, T& into, Parse parse) {
  const std::optional<Scalar> value = scalar(key);
  if (!value) return;
  const KeyRow& known = row(key);
  auto parsed = parse(value->text);
  if (!parsed) return unusable(key, *value, parsed.error());
  const std::size_t dots = known.values.find("..");
  assert(dots != std::string_view::npos);
  const auto low = parse(known.values.substr(0, dots));
  const auto high = parse(known.values.substr(dots + 2));
  assert(low && high);
  if (*parsed >= *low && *parsed <= *high) {
    into = static_cast<T>(*parsed);
  } else {
    unusable(key, *value,
             make_error(Code::invalid_configuration,
                        text::quoted(value->written) + " is outside " + std::string{known.values}));
  }
}

void Section::duration(std::string_view key, Duration& into) {
  const Shape shape = row(key).shape;
  const bool has_word = shape == Shape::duration_or_off || shape == Shape::duration_or_p95;
  const std::optional<Scalar> value = has_word ? scalar(key) : std::nullopt;
  const bool off = value && (value->text == "off" || value->text == "false");  // as tools of YAML 1.1 write `off`
  if ((off && shape == Shape::duration_or_off) || (value && value->text == "p95" && shape == Shape::duration_or_p95)) {
    into = Duration::zero();
    return;
  }
  quantity(key, into, [](std::string_view text) { return parse_duration(text); });
}

void Section::size(std::string_view key, Bytes& into) {
  quantity(key, into, [](std::string_view text) { return parse_size(text); });
}

void Section::count(std::string_view key, std::uint64_t& into) {
  quantity(key, into, [](std::string_view text) { return parse_count(text); });
}

void Section::count(std::string_view key, std::uint32_t& into) {
  const std::optional<Scalar> value = row(key).shape == Shape::count_or_auto ? scalar(key) : std::nullopt;
  if (value && value->text == "auto") {
    into = kAutoConcurrency;
    return;
  }
  quantity(key, into, [](std::string_view text) { return parse_count(text); });
}

void Section::percent(std::string_view key, std::uint32_t& into) {
  quantity(key, into, [](std::string_view text) { return parse_percent(text); });
}

void Section::address(std::string_view key, SocketAddress& into) {
  const std::optional<Scalar> value = scalar(key);
  if (!value) return;
  Result<SocketAddress> parsed = SocketAddress::parse(value->text);
  if (!parsed) return unusable(key, *value, parsed.error());
  into = *parsed;
}

void Section::ranges(std::string_view key, AddressList& into) {
  const Node* node = find(key);
  if (node != nullptr && node->kind == Node::Kind::scalar) {
    const std::optional<Scalar> word = scalar(key);
    if (word && word->text == "private") into = AddressList::private_ranges();
    if (word && word->text == "any") into = AddressList::any();
    if (!word || word->text == "private" || word->text == "any") return;
    return unusable(
        key, *word,
        make_error(Code::invalid_configuration,
                   text::quoted(word->written) + " is not `private`, `any` or a list such as [10.0.0.0/8]"));
  }
  std::vector<Cidr> list;
  for (const Scalar& item : names(key)) {
    Result<Cidr> parsed = Cidr::parse(item.text);
    if (parsed) {
      list.push_back(*parsed);
    } else {
      unusable(key, item, parsed.error());
    }
  }
  if (node != nullptr && node->kind == Node::Kind::sequence) into = AddressList{std::move(list)};
}

void Section::secret(std::string_view key, Secret& into) {
  const std::optional<Scalar> value = scalar(key);
  if (!value) return;
  if (const auto file = secret_file(value->text, reading_.folder)) {
    reading_.files.push_back(*file);
    check_readers(value->place, named(path(key)), *file);
  } else if (!value->replaced() && !reading_.open_secret) {
    reading_.open_secret = value->place;
  }
  Result<Secret> read = read_secret(value->text, reading_.folder);
  if (read) {
    into = *std::move(read);
  } else {
    problem(value->place, named(path(key)) + ": " + read.error().message);
  }
}

void Section::moment(std::string_view key, std::optional<WallTime>& into) {
  const std::optional<Scalar> value = scalar(key);
  if (!value) return;
  Result<WallTime> parsed = parse_utc(value->text);
  if (!parsed) return unusable(key, *value, parsed.error());
  into = *parsed;
}

std::optional<Section> Section::section(std::string_view key) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  return Section{reading_, *node, path(key)};
}

std::vector<Section> Section::sections(std::string_view key) {
  std::vector<Section> out;
  const Node* node = find(key);
  if (node == nullptr) return out;
  if (node->kind != Node::Kind::sequence) {
    problem(node->place, named(path(key)) + " must be a list (`- …`), not " + std::string{kind_name(node->kind)});
    return out;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    out.emplace_back(reading_, node->items[i], path(key) + '[' + std::to_string(i) + ']');
  }
  return out;
}

std::optional<std::size_t> Section::length(std::string_view key) const {
  const Node* node = find(key);
  if (node == nullptr || node->kind != Node::Kind::sequence) return std::nullopt;
  return node->items.size();
}

}  // namespace intragate::config
