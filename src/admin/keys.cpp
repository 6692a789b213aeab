#include "admin/keys.h"

#include <algorithm>
#include <array>

#include "admin/query.h"
#include "base/address.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/text.h"
#include "config/key.h"
#include "config/key_table.h"
#include "config/load.h"
#include "config/units.h"

namespace intragate::admin {
namespace {

using Verb = KeyRequest::Verb;

constexpr std::size_t kLongestName = 128;
constexpr std::size_t kLongestEntry = 256;
constexpr std::size_t kMostEntries = 256;
constexpr std::array<std::string_view, 5> kVerbs{"list", "create", "rotate", "revoke", "expire"};

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

bool printable(std::string_view text) {
  return !text::first_illegal_byte(text) && text.find_first_of("\t\r\n") == std::string_view::npos;
}

Result<Unit> read_name(std::string text, std::string& into) {
  const bool edges = !text.empty() && text.front() != ' ' && text.back() != ' ' && text.front() != '-';
  if (!edges || text.size() > kLongestName || !printable(text)) {
    return invalid("A key's name has 1 to 128 bytes, none of them a control character, and no `-` or space in front.");
  }
  into = std::move(text);
  return Unit{};
}

// One entry of each kind of list; what is wrong with it, or nothing.
std::optional<Error> wrong_model(const std::string& pattern) {
  if (!pattern.empty() && pattern != "!") return std::nullopt;
  return invalid("A key's model is a name, or a pattern with `*`; `!` before it denies it.");
}

bool is_word_of(std::string_view key, std::string_view word) {
  const std::vector<std::string_view> known = config::split_words(config::find_key(key)->values);
  return std::find(known.begin(), known.end(), word) != known.end();
}

std::optional<Error> wrong_api(const std::string& api) {
  const config::KeyRow& known = *config::find_key("keys[].apis");
  const bool denies = api.starts_with(config::kDenies);
  if (config::fits_a_word(std::string_view{api}.substr(denies ? 1 : 0), known.values)) return std::nullopt;
  return invalid(text::quoted(api) + " is no API; there are: " + config::describe(known) +
                 ", or a pattern with `*`; `!` before it denies it.");
}

std::optional<Error> wrong_range(const std::string& range) {
  if (range == "any" || range == "private") return std::nullopt;
  Result<Cidr> cidr = Cidr::parse(range);
  return cidr ? std::nullopt : std::optional{invalid(cidr.error().message)};
}

using WrongEntry = std::optional<Error> (*)(const std::string&);

Result<Unit> read_list(const json::Member& member, std::vector<std::string>& into, WrongEntry wrong) {
  if (member.kind != json::Kind::array) return invalid("`" + std::string{member.key} + "` must be a list of strings.");
  into.clear();
  json::ArrayScan scan{member.value};
  while (const std::optional<json::Member> entry = scan.next()) {
    Result<std::string> text = json::unescape(entry->value);
    const bool usable = entry->kind == json::Kind::string && text && text->size() <= kLongestEntry && printable(*text);
    if (!usable || into.size() == kMostEntries) {
      return invalid("`" + std::string{member.key} + "` must be a list of at most 256 strings of at most 256 bytes.");
    }
    if (std::optional<Error> error = wrong(*text)) return *std::move(error);
    into.push_back(*std::move(text));
  }
  if (scan.failed()) return invalid("The body is not one JSON object.");
  const bool word = std::find(into.begin(), into.end(), "any") != into.end() ||
                    std::find(into.begin(), into.end(), "private") != into.end();
  if (wrong == wrong_range && word && into.size() > 1) return invalid("`any` and `private` stand alone.");
  return Unit{};
}

Result<Unit> read_moment(const std::string& text, WallTime now, std::optional<WallTime>& into) {
  if (Result<Duration> from_now = config::parse_duration(text)) {
    into = now + *from_now;
    return Unit{};
  }
  Result<WallTime> moment = config::parse_utc(text);
  if (!moment) {
    return invalid(text::quoted(text) + " is no time: 2027-01-01T00:00:00Z, or 90d for ninety days from now.");
  }
  into = *moment;
  return Unit{};
}

Result<Unit> read_choice(std::string_view key, std::string text, std::string& into) {
  if (!is_word_of(key, text)) {
    return invalid("`" + std::string{config::last_name(key)} + "` is " + config::describe(*config::find_key(key)) +
                   ".");
  }
  into = std::move(text);
  return Unit{};
}

Result<Unit> read_grace(const std::string& text, Duration& into) {
  Result<Duration> grace = config::parse_duration(text);
  if (!grace) return invalid("`grace`: " + grace.error().message + ".");
  into = *grace;
  return Unit{};
}

Error unknown_member(Verb verb, const json::Member& member) {
  return invalid("`" + std::string{member.key.substr(0, kLongestEntry)} + "` is no member of " +
                 std::string{verb_name(verb)} + ", or of another kind.");
}

// One member of the body into the request.
Result<Unit> read_member(const json::Member& member, WallTime now, KeyRequest& into) {
  const bool creates = into.verb == Verb::create;
  if (creates && member.key == "models") return read_list(member, into.models, wrong_model);
  if (creates && member.key == "apis") return read_list(member, into.apis, wrong_api);
  if (creates && member.key == "allow") return read_list(member, into.allow, wrong_range);
  if (creates && member.key == "trust_user" && (member.value == "true" || member.value == "false")) {
    into.trust_user = member.value == "true";
    return Unit{};
  }
  if (member.kind != json::Kind::string) return unknown_member(into.verb, member);
  Result<std::string> text = json::unescape(member.value);
  if (!text) return std::move(text).error();
  if (member.key == "name") return read_name(*std::move(text), into.name);
  if (creates && member.key == "expires") return read_moment(*text, now, into.at);
  if (creates && member.key == "stream_usage") return read_choice("keys[].stream_usage", *text, into.stream_usage);
  if (creates && member.key == "while_waiting") return read_choice("keys[].while_waiting", *text, into.while_waiting);
  if (into.verb == Verb::expire && member.key == "at") return read_moment(*text, now, into.at);
  if (into.verb == Verb::rotate && member.key == "grace") return read_grace(*text, into.grace);
  return unknown_member(into.verb, member);
}

}  // namespace

std::string_view verb_name(Verb verb) {
  return kVerbs[static_cast<std::size_t>(verb)];
}

std::optional<Verb> key_verb_of(std::string_view path) {
  constexpr std::string_view kRoot = "/keys";
  if (path == kRoot) return Verb::list;
  if (!path.starts_with("/keys/")) return std::nullopt;
  const auto* const verb = std::find(kVerbs.begin() + 1, kVerbs.end(), path.substr(kRoot.size() + 1));
  if (verb == kVerbs.end()) return std::nullopt;
  return static_cast<Verb>(verb - kVerbs.begin());
}

Result<KeyRequest> read_key_query(std::string_view query) {
  constexpr std::array<std::string_view, 1> kKnown{"name"};
  Result<Query> asked = read_query(query, kKnown);
  if (!asked) return std::move(asked).error();
  KeyRequest request;
  const auto name = asked->find("name");
  if (name != asked->end()) request.name = name->second;
  return request;
}

Result<KeyRequest> read_key_body(Verb verb, std::string_view body, WallTime now) {
  KeyRequest request;
  request.verb = verb;
  std::vector<std::string_view> seen;
  json::ObjectScan scan{body};
  while (const std::optional<json::Member> member = scan.next()) {
    if (std::find(seen.begin(), seen.end(), member->key) != seen.end()) return invalid("A member stands there twice.");
    seen.push_back(member->key);
    Result<Unit> read = read_member(*member, now, request);
    if (!read) return std::move(read).error();
  }
  if (scan.failed()) return invalid("The body is not one JSON object.");
  if (request.name.empty()) return invalid("The body must name the key: {\"name\":…}.");
  return request;
}

KeyAnswer key_refusal(int status, std::string_view message) {
  KeyAnswer answer{status, {}, {}};
  json::Writer{answer.body}.open_object().open_object("error").text("message", message).close_object().close_object();
  answer.body += '\n';
  return answer;
}

}  // namespace intragate::admin
