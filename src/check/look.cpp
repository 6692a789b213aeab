#include "check/look.h"

#include "dialect/raw.h"

namespace intragate::check {
std::optional<json::Member> look(std::string_view text, std::initializer_list<std::string_view> path) {
  std::string pointer;
  for (const std::string_view name : path) pointer.append("/").append(name);
  return dialect::follow(text, pointer);
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
