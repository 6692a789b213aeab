#include "app/explain_running.h"

#include <map>
#include <utility>

#include "app/admin_client.h"
#include "base/json_scan.h"

namespace intragate::app {
namespace {

// An object's members as text, strings without their quotes. What JSON escapes stays escaped: it goes to a terminal.
using Members = std::map<std::string_view, std::string_view, std::less<>>;
Members members_of(std::string_view object) {
  Members members;
  json::ObjectScan scan{object};
  while (const std::optional<json::Member> member = scan.next()) {
    std::string_view value = member->value;
    if (member->kind == json::Kind::string) value = value.substr(1, value.size() - 2);
    members.emplace(member->key, value);
  }
  return members;
}

std::string text_of(const Members& members, std::string_view name) {
  const auto found = members.find(name);
  return found == members.end() ? "?" : std::string{found->second};
}

// "1234.567" milliseconds in seconds and tenths.
std::string seconds_of(std::string_view milliseconds) {
  const std::uint64_t whole = json::unsigned_number(milliseconds.substr(0, milliseconds.find('.'))).value_or(0);
  return std::to_string(whole / 1000) + "." + std::to_string(whole % 1000 / 100) + " s";
}

std::string wait_text(const Members& queue) {
  const std::string crowd = text_of(queue, "waiting") + " wait, " + text_of(queue, "used") + " of " +
                            text_of(queue, "slots") + " slots are in use";
  const std::string refused = text_of(queue, "refused");
  if (refused != "null") return "it would be refused (" + refused + "); " + crowd;
  if (text_of(queue, "position") == "0") return "none; " + crowd;
  const std::string wait = text_of(queue, "wait_ms");
  return (wait == "null" ? "not known yet" : "about " + seconds_of(wait)) + " at position " +
         text_of(queue, "position") + "; " + crowd;
}

void add_limits(std::string_view list, std::vector<Finding>& into) {
  json::ArrayScan scan{list};
  while (const std::optional<json::Member> one = scan.next()) {
    const Members limit = members_of(one->value);
    const std::string reset = text_of(limit, "reset_ms");
    into.push_back({"left now per " + text_of(limit, "per"),
                    text_of(limit, "left") + " of " + text_of(limit, "of") + " " + text_of(limit, "limit") + " (" +
                        text_of(limit, "rule") + ")" + (reset == "null" ? "" : ", all of it in " + seconds_of(reset))});
  }
}

}  // namespace

Result<std::string> ask_running(const AdminOptions& options, const config::Config& config,
                                const admin::ForecastQuery& query) {
  const auto offline = [](std::string why) { return make_error(Code::io, "offline: " + std::move(why)); };
  Result<RunningGateway> gateway = find_gateway(options, config);
  if (!gateway) return offline(gateway.error().message);
  Result<AdminAnswer> answer = ask_admin({.to = gateway->address,
                                          .tls = gateway->tls,
                                          .token = gateway->token,
                                          .method = "GET",
                                          .target = admin::forecast_target(query),
                                          .body = {}});
  if (!answer) return offline(answer.error().message);
  if (answer->status != 200) {
    return make_error(Code::io, "the gateway at " + gateway->address.text() + " does not say: status " +
                                    std::to_string(answer->status));
  }
  return std::move(answer->body);
}

void explain_present(const Result<std::string>& answer, std::vector<Finding>& into) {
  if (!answer) {
    into.push_back({"wait now", answer.error().message});
    return;
  }
  const Members told = members_of(*answer);
  const std::string queue = text_of(told, "queue");
  into.push_back({"wait now of " + text_of(told, "key"),
                  queue == "null" ? "none: the model's calls are not limited" : wait_text(members_of(queue))});
  into.push_back({"tokens reserved now", text_of(told, "tokens")});
  add_limits(text_of(told, "limits"), into);
}

}  // namespace intragate::app
