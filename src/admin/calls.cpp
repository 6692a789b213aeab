#include "admin/calls.h"

#include <array>
#include <optional>

#include "admin/query.h"
#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::admin {
namespace {

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
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
  constexpr std::array<std::string_view, 3> kKnown{"user", "key", "model"};
  Result<Query> asked = read_query(query, kKnown);
  if (!asked) return std::move(asked).error();
  llm::CallFilter filter;
  for (const Named& one : kListed) {
    const auto found = asked->find(one.name);
    if (found != asked->end()) filter.*one.field = found->second;
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
