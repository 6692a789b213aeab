// What follows the `?` of an admin URL. Whatever it says, a question that is understood is the one that was asked: it
// survives being asked again, and what stands in it came from the query.
#include "admin/query.h"

#include <array>
#include <cstdint>
#include <string_view>

#include "admin/calls.h"
#include "admin/forecast.h"
#include "fuzz/require.h"

using namespace intragate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  constexpr std::array<std::string_view, 1> kKnown{"x"};
  if (!text.empty()) {
    const Result<admin::Query> back = admin::read_query("x=" + admin::encoded(text), kKnown);
    fuzz::require(back && back->find("x")->second == text, "what was encoded is read as it was");
  }
  const Result<llm::CallFilter> filter = admin::read_list_query(text);
  if (filter) {
    fuzz::require(filter->id.empty(), "calls are not listed by id");
    fuzz::require(text.empty() || filter->user.size() + filter->key.size() + filter->model.size() > 0,
                  "a query that says something does not mean everybody");
  }
  const Result<admin::ForecastQuery> query = admin::read_forecast_query(text);
  if (!query) return 0;
  fuzz::require(!query->model.empty() && !query->key.empty(), "a forecast is about a model and a key");
  const std::string target = admin::forecast_target(*query);
  const Result<admin::ForecastQuery> again = admin::read_forecast_query(target.substr(target.find('?') + 1));
  fuzz::require(again && again->model == query->model && again->key == query->key && again->user == query->user &&
                    again->prompt == query->prompt && again->most == query->most && again->answers == query->answers,
                "asked again it is the same question");
  return 0;
}
