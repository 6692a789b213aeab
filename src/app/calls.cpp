#include "app/calls.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "admin/query.h"
#include "app/admin_client.h"
#include "app/table.h"
#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::app {
namespace {

struct Column {
  std::string_view title;
  std::string_view member;
};
constexpr std::array<Column, 9> kColumns{{{"ID", "id"},
                                          {"PHASE", "phase"},
                                          {"QUEUE", "queue_ms"},
                                          {"TOTAL", "total_ms"},
                                          {"TOKENS", "tokens"},
                                          {"MODEL", "model"},
                                          {"KEY", "key"},
                                          {"USER", "user"},
                                          {"ENDPOINT", "endpoint"}}};

// As a table shows it; times in seconds.
std::string cell(const json::Member& member) {
  std::string text = cell_of(member.value);
  if (!member.key.ends_with("_ms")) return text;
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string tenths = std::string{"0000"}.substr(std::min<std::size_t>(point, 4)) + text.substr(0, point);
  return tenths.substr(0, tenths.size() - 3) + "." + tenths[tenths.size() - 3] + "s";
}

Row row_of(std::string_view call) {
  Row row(kColumns.size(), "-");
  json::ObjectScan scan{call};
  while (const std::optional<json::Member> member = scan.next()) {
    const auto* const column =
        std::find_if(kColumns.begin(), kColumns.end(), [&](const Column& c) { return c.member == member->key; });
    if (column != kColumns.end()) row[static_cast<std::size_t>(column - kColumns.begin())] = cell(*member);
  }
  return row;
}

void print_calls(std::string_view list) {
  std::vector<Row> rows{{}};
  for (const Column& column : kColumns) rows.front().emplace_back(column.title);
  json::ArrayScan scan{list};
  while (const std::optional<json::Member> call = scan.next()) rows.push_back(row_of(call->value));
  print_table(rows);
}

std::uint64_t cancelled_in(std::string_view body) {
  json::ObjectScan scan{body};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->key == "cancelled") return json::unsigned_number(member->value).value_or(0);
  }
  return 0;
}

}  // namespace

int calls_list(const AdminOptions& gateway, const llm::CallFilter& filter, Output output) {
  Result<RunningGateway> found = find_gateway(gateway);
  if (!found) return say_no(found.error().message);
  std::string query;
  using Part = std::pair<std::string_view, const std::string&>;
  for (const auto& [name, value] : {Part{"user", filter.user}, Part{"key", filter.key}, Part{"model", filter.model}}) {
    if (!value.empty()) query += (query.empty() ? "?" : "&") + std::string{name} + "=" + admin::encoded(value);
  }
  Result<AdminAnswer> answer = ask_admin({.to = found->address,
                                          .tls = found->tls,
                                          .token = found->token,
                                          .method = "GET",
                                          .target = "/calls" + query,
                                          .body = {}});
  if (!answer) return say_no(answer.error().message);
  if (answer->status != 200) return say_no(refusal_in(*answer));
  if (output == Output::json) {
    std::fputs(answer->body.c_str(), stdout);
  } else {
    print_calls(answer->body);
  }
  return 0;
}

int calls_cancel(const AdminOptions& gateway, const llm::CallFilter& filter, Output output) {
  Result<RunningGateway> found = find_gateway(gateway);
  if (!found) return say_no(found.error().message);
  std::string body;
  json::Writer writer{body};
  writer.open_object();
  if (!filter.id.empty()) writer.text("id", filter.id);
  if (!filter.user.empty()) writer.text("user", filter.user);
  if (!filter.key.empty()) writer.text("key", filter.key);
  writer.close_object();
  Result<AdminAnswer> answer = ask_admin({.to = found->address,
                                          .tls = found->tls,
                                          .token = found->token,
                                          .method = "POST",
                                          .target = "/calls/cancel",
                                          .body = std::move(body)});
  if (!answer) return say_no(answer.error().message);
  if (answer->status != 200 && answer->status != 404) return say_no(refusal_in(*answer));
  const std::uint64_t count = cancelled_in(answer->body);
  if (output == Output::json) {
    std::fputs(answer->body.c_str(), stdout);
  } else if (count == 0) {
    return say_no("no such call is under way");
  } else {
    std::printf("%llu %s cancelled\n", static_cast<unsigned long long>(count), count == 1 ? "call" : "calls");
  }
  return count > 0 ? 0 : 1;
}

}  // namespace intragate::app
