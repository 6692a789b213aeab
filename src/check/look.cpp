#include "check/look.h"

#include "base/text.h"

namespace intragate::check {
namespace {

std::optional<json::Member> step(std::string_view text, std::string_view name) {
  if (text.starts_with('[')) {
    std::uint64_t left = text::parse_unsigned(name).value_or(0);
    json::ArrayScan scan{text};
    while (std::optional<json::Member> element = scan.next()) {
      if (left-- == 0) return element;
    }
    return std::nullopt;
  }
  if (!text.starts_with('{')) return std::nullopt;
  json::ObjectScan scan{text};
  while (std::optional<json::Member> member = scan.next()) {
    if (json::key_is(*member, name)) return member;
  }
  return std::nullopt;
}

}  // namespace

std::optional<json::Member> look(std::string_view text, std::initializer_list<std::string_view> path) {
  std::optional<json::Member> found;
  text = text::trim(text);
  while (text.starts_with('\n')) text = text::trim(text.substr(1));
  for (const std::string_view name : path) {
    found = step(text, name);
    if (!found) return std::nullopt;
    text = found->value;
  }
  return found;
}

std::optional<std::string> look_text(std::string_view text, std::initializer_list<std::string_view> path) {
  const std::optional<json::Member> found = look(text, path);
  if (!found || found->kind != json::Kind::string) return std::nullopt;
  Result<std::string> plain = json::unescape(found->value);
  if (!plain) return std::nullopt;
  return *std::move(plain);
}

bool has(std::string_view text, std::initializer_list<std::string_view> path) {
  const std::optional<json::Member> found = look(text, path);
  return found && found->kind != json::Kind::null;
}

bool is_object(std::string_view text) {
  json::ObjectScan scan{text};
  while (scan.next()) {
  }
  return !scan.failed();
}

std::size_t count(std::string_view text, std::initializer_list<std::string_view> path) {
  const std::optional<json::Member> found = look(text, path);
  if (!found || found->kind != json::Kind::array) return 0;
  std::size_t elements = 0;
  json::ArrayScan scan{found->value};
  while (scan.next()) ++elements;
  return elements;
}

}  // namespace intragate::check
