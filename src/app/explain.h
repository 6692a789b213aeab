// What would happen to a request: the journey of a call, on paper. Owner: the explain command. Thread: the main one.
// What a running gateway alone knows is asked of it through a function. Does not: ask endpoints, count anything, know
// the client's address.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/forecast.h"
#include "app/running_gateway.h"
#include "base/error.h"
#include "base/time.h"
#include "config/config.h"

namespace intragate::app {

struct ExplainOptions {
  std::string file;
  std::string request_file;  // "-": standard input
  std::string key;           // name of the key that asks; empty: any
  std::string path = "/v1/chat/completions";
  AdminOptions gateway{};  // how a running one is spoken to
};

// One fact about the request, in the order of the journey.
struct Finding {
  std::string name;
  std::string value;
};

struct Explanation {
  std::vector<Finding> findings;
  std::optional<Error> refusal;
  std::optional<admin::ForecastQuery> present;  // what a running gateway can be asked about it
};

// `options.key` is empty or the name of one of the configuration's keys; `now` decides which keys have expired.
[[nodiscard]] Explanation explain_request(const std::shared_ptr<const config::Config>& config,
                                          const ExplainOptions& options, const std::string& given, WallTime now);

}  // namespace intragate::app
