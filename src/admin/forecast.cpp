#include "admin/forecast.h"

#include <array>
#include <charconv>

#include "admin/query.h"
#include "base/json_write.h"

namespace intragate::admin {
namespace {

constexpr std::array<std::string_view, 6> kKnown{"model", "key", "user", "prompt", "most", "answer"};
constexpr int kDecimals = 3;

double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

constexpr std::uint64_t kMostTokens = 1'000'000'000'000;  // beyond is a mistake, as in the configuration

// Nothing: not a plain number, or too large a one.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > kMostTokens) return std::nullopt;
  return number;
}

void write_queue(json::Writer& writer, const Outlook& outlook) {
  if (!outlook.bounded) {
    writer.null("queue");
    return;
  }
  const qos::Forecast& forecast = outlook.forecast;
  writer.open_object("queue")
      .number("slots", std::int64_t{outlook.queue.slots})
      .number("used", std::int64_t{outlook.queue.running})
      .number("waiting", std::int64_t{outlook.queue.waiting[0]} + outlook.queue.waiting[1])
      .number("position", std::int64_t{forecast.position});
  if (forecast.expected_wait) {
    writer.number("wait_ms", milliseconds(*forecast.expected_wait), kDecimals);
  } else {
    writer.null("wait_ms");
  }
  if (forecast.refused) {
    writer.text("refused", qos::why_name(*forecast.refused));
  } else {
    writer.null("refused");
  }
  writer.close_object();
}

std::string limit_json(const qos::LimitLeft& left) {
  std::string one;
  json::Writer writer{one};
  writer.open_object()
      .text("per", qos::per_name(left.per))
      .text("rule", "limits[" + std::to_string(left.rule) + "]")
      .text("limit", qos::quantity_name(left.quantity))
      .number("of", static_cast<std::int64_t>(left.limit))
      .number("left", static_cast<std::int64_t>(left.remaining));
  if (left.quantity == qos::Quantity::concurrency) {
    writer.null("reset_ms");
  } else {
    writer.number("reset_ms", milliseconds(left.reset), kDecimals);
  }
  writer.close_object();
  return one;
}

}  // namespace

Result<ForecastQuery> read_forecast_query(std::string_view query) {
  Result<Query> asked = read_query(query, kKnown);
  if (!asked) return std::move(asked).error();
  const auto value = [&](std::string_view name) {
    const auto found = asked->find(name);
    return found == asked->end() ? std::string{} : found->second;
  };
  const auto wrong = [](std::string message) { return make_error(Code::invalid_request, std::move(message)); };
  ForecastQuery call{.model = value("model"), .key = value("key"), .user = value("user")};
  if (call.model.empty() || call.key.empty()) return wrong("A forecast needs a model and a key.");
  const std::optional<std::uint64_t> prompt = number_in(value("prompt"));
  call.most = number_in(value("most"));
  const bool numbers = (prompt || !asked->contains("prompt")) && (call.most || !asked->contains("most"));
  if (!numbers) return wrong("`prompt` and `most` are counts of tokens.");
  call.prompt = prompt.value_or(0);
  call.answers = !asked->contains("answer");
  if (!call.answers && value("answer") != "none") return wrong("`answer` can be `none` only.");
  return call;
}

std::string forecast_target(const ForecastQuery& query) {
  std::string target = "/forecast?model=" + encoded(query.model) + "&key=" + encoded(query.key);
  if (!query.user.empty()) target += "&user=" + encoded(query.user);
  target += "&prompt=" + std::to_string(query.prompt);
  if (query.most) target += "&most=" + std::to_string(*query.most);
  if (!query.answers) target += "&answer=none";
  return target;
}

std::string outlook_json(const ForecastQuery& query, const Outlook& outlook) {
  std::string body;
  json::Writer writer{body};
  writer.open_object().text("model", query.model).text("key", query.key).text("user", query.user);
  write_queue(writer, outlook);
  writer.number("tokens", static_cast<std::int64_t>(outlook.tokens));
  std::string limits = "[";
  for (const qos::LimitLeft& left : outlook.limits) limits += (limits.size() > 1 ? "," : "") + limit_json(left);
  writer.raw("limits", limits + "]").close_object();
  return body + "\n";
}

}  // namespace intragate::admin
