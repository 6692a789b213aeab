#include "admin/query.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace intragate::admin {
namespace {

// %XX and + of a query (HTML's form encoding). Nothing: a % that is no escape.
std::optional<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = text::hex_value(text[i + 1]);
    const int low = text::hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

Error wrong(std::span<const std::string_view> known) {
  std::string names;
  for (const std::string_view name : known) names += (names.empty() ? "" : ", ") + std::string{name};
  return make_error(Code::invalid_request, "A query here has " + names + ", each at most once and none of them empty.");
}

}  // namespace

std::string encoded(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4U], kHex[byte & 0xFU]};
  }
  return out;
}

Result<Query> read_query(std::string_view query, std::span<const std::string_view> known) {
  Query found;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    std::optional<std::string> value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    if (!is_known || !value || value->empty()) return wrong(known);
    if (!found.emplace(name, *std::move(value)).second) return wrong(known);
  }
  return found;
}

}  // namespace intragate::admin
