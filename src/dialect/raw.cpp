#include "dialect/raw.h"

#include <charconv>
#include <string>

namespace intragate::dialect {
namespace {

using json::Kind;
using json::Member;

// ~1 is /, ~0 is ~.
std::string unescaped(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size();
    out += !escape ? token[i] : token[i + 1] == '1' ? '/' : '~';
    if (escape) ++i;
  }
  return out;
}

std::optional<Member> member_of(std::string_view object, std::string_view token) {
  const std::string key = unescaped(token);
  json::ObjectScan scan{object};
  while (std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, key)) return member;
  }
  return std::nullopt;
}

std::optional<Member> element_of(std::string_view array, std::string_view token) {
  std::size_t wanted = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), wanted);
  if (error != std::errc{} || end != token.data() + token.size()) return std::nullopt;
  json::ArrayScan scan{array};
  while (std::optional<Member> element = scan.next()) {
    if (wanted-- == 0) return element;
  }
  return std::nullopt;
}

Kind kind_of(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Kind::null;
  if (text[first] == '{') return Kind::object;
  if (text[first] == '[') return Kind::array;
  return text[first] == '"' ? Kind::string : Kind::number;
}

}  // namespace

std::optional<Member> follow(std::string_view text, std::string_view pointer) {
  std::optional<Member> at = Member{.key = {}, .value = text, .kind = kind_of(text)};
  while (at && !pointer.empty()) {
    if (pointer.front() != '/') return std::nullopt;
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    at = at->kind == Kind::object  ? member_of(at->value, token)
         : at->kind == Kind::array ? element_of(at->value, token)
                                   : std::nullopt;
  }
  return at;
}

AnswerFormat answer_format(std::string_view response_format) {
  const std::optional<Member> type = follow(response_format, "/type");
  if (!type || (type->value != "\"json_object\"" && type->value != "\"json_schema\"")) return {};
  const std::optional<Member> schema = follow(response_format, "/json_schema/schema");
  const bool fits = type->value == "\"json_schema\"" && schema && schema->kind == Kind::object;
  return {.json = true, .schema = fits ? schema->value : std::string_view{}};
}

}  // namespace intragate::dialect
