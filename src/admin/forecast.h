// What a call would find if it came now: GET /forecast, asked and told (docs/limits.md).
// Owner: none, pure functions and plain data. Thread: any. Does not: look into queues and limits (Server::Views does).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qos/claim.h"
#include "qos/limits.h"
#include "qos/scheduler.h"

namespace intragate::admin {

// A call that might come.
struct ForecastQuery {
  std::string model;
  std::string key;
  std::string user{};                   // empty: none
  std::uint64_t prompt = 0;             // tokens
  std::optional<std::uint64_t> most{};  // tokens that the answer may have
  bool answers = true;                  // in tokens at all: embeddings do not
};

struct Outlook {
  bool bounded = false;  // the model has slots: what follows means something
  qos::SchedulerFacts queue;
  qos::Forecast forecast;
  std::uint64_t tokens = 0;  // that the limits would reserve
  std::vector<qos::LimitLeft> limits;
};

// What follows the `?`: model, key; perhaps user, prompt, most, answer=none. Errors: invalid_request, with a sentence.
[[nodiscard]] Result<ForecastQuery> read_forecast_query(std::string_view query);
// The other direction, for the command that asks.
[[nodiscard]] std::string forecast_target(const ForecastQuery& query);

// One JSON object.
[[nodiscard]] std::string outlook_json(const ForecastQuery& query, const Outlook& outlook);

}  // namespace intragate::admin
