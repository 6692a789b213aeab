// What a URL means. The table itself is app/routes.cpp: every URL of the gateway in one place.
// Owner: app; lives as long as the process. Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "llm/call.h"

namespace intragate::pipeline {

enum class Method : std::uint8_t { get, post };

struct Route {
  std::string_view path;  // without /v1; a trailing '/' means: one more segment follows
  Method method;
  llm::Api api;
};

// A URL taken apart. No route: `base` tells what the base URL should have been, when it can be guessed.
struct RouteMatch {
  const Route* route = nullptr;
  std::string_view rest{};       // of a path with one more segment: that segment
  bool pasted_endpoint = false;  // the client's base ended in an endpoint, so that the path has it twice
};

using RouteTable = std::span<const Route>;

// `target` as in the request line; its query is ignored. Paths answer with and without /v1, and with one trailing
// slash.
[[nodiscard]] RouteMatch find_route(RouteTable table, std::string_view target);

}  // namespace intragate::pipeline
