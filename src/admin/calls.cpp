#include "admin/calls.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/text.h"

namespace intragate::admin {
namespace {

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

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

// A member of the filter by its name, as far as `allowed` names it; null: none.
struct Named {
  std::string_view name;
  std::string llm::CallFilter::*field;
};
constexpr std::array<Named, 3> kListed{
    {{"user", &llm::CallFilter::user}, {"key", &llm::CallFilter::key}, {"model", &llm::CallFilter::model}}};
constexpr std::array<Named, 3> kCancelled{
    {{"id", &llm::CallFilter::id}, {"user", &llm::CallFilter::user}, {"key", &llm::CallFilter::key}}};

std::string* find(llm::CallFilter& filter, const std::array<Named, 3>& allowed, std::string_view name) {
  for (const Named& one : allowed) {
    if (one.name == name) return &(filter.*one.field);
  }
  return nullptr;
}

// Seconds would do for people; programs compare with the audit record, which has these names and units.
constexpr int kDecimals = 3;
double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Result<llm::CallFilter> read_list_query(std::string_view query) {
  llm::CallFilter filter;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string* const into = find(filter, kListed, pair.substr(0, equals));
    if (into == nullptr) return invalid("Calls are listed by user, key and model, as in /calls?key=dify.");
    std::optional<std::string> value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!value || value->empty() || !into->empty()) {
      return invalid("Each of user, key and model may stand once and must not be empty.");
    }
    *into = *std::move(value);
  }
  return filter;
}

Result<llm::CallFilter> read_cancel_body(std::string_view body) {
  const auto wrong = [] {
    return invalid(R"(The body must be {"id":…}, {"user":…}, {"key":…} or {"user":…,"key":…}, each a string.)");
  };
  llm::CallFilter filter;
  json::ObjectScan scan{body};
  while (const std::optional<json::Member> member = scan.next()) {
    std::string* const into = find(filter, kCancelled, member->key);
    if (into == nullptr || !into->empty() || member->kind != json::Kind::string) return wrong();
    Result<std::string> value = json::unescape(member->value);
    if (!value || value->empty()) return wrong();
    *into = *std::move(value);
  }
  const bool by_id = !filter.id.empty();
  const bool by_whom = !filter.user.empty() || !filter.key.empty();
  if (scan.failed() || by_id == by_whom) return wrong();
  return filter;
}

std::string calls_json(const std::vector<llm::LiveCall>& calls) {
  std::string list = "[";
  for (const llm::LiveCall& call : calls) {
    if (list.size() > 1) list += ",\n ";
    json::Writer{list}
        .open_object()
        .text("id", call.id)
        .text("key", call.key)
        .text("user", call.user)
        .text("model", call.model)
        .text("endpoint", call.endpoint)
        .text("phase", llm::phase_name(call.phase))
        .number("queue_ms", milliseconds(call.queue), kDecimals)
        .number("total_ms", milliseconds(call.total), kDecimals)
        .number("tokens", static_cast<std::int64_t>(call.tokens))
        .close_object();
  }
  return list + "]\n";
}

}  // namespace intragate::admin
