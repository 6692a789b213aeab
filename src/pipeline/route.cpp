#include "pipeline/route.h"

#include <algorithm>

namespace intragate::pipeline {
namespace {

std::string_view path_of(std::string_view target) {
  if (!target.starts_with('/')) {  // absolute-form
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return target;
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, std::min(target.find('?'), target.find('#')));
  if (target.size() > 1 && target.ends_with('/')) target.remove_suffix(1);
  return target;
}

RouteMatch match(RouteTable table, std::string_view path) {
  for (const Route& route : table) {
    if (path == route.path) return {.route = &route};
    if (route.path.ends_with('/') && path.size() > route.path.size() && path.starts_with(route.path)) {
      return {.route = &route, .rest = path.substr(route.path.size())};
    }
  }
  return {};
}

}  // namespace

RouteMatch find_route(RouteTable table, std::string_view target) {
  std::string_view path = path_of(target);
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  RouteMatch found = match(table, path);
  if (found.route != nullptr) return found;
  // "/v1/chat/completions/chat/completions": somebody pasted the whole endpoint as the base.
  for (const Route& route : table) {
    if (route.method != Method::post || !path.starts_with(route.path) || path.size() <= route.path.size()) continue;
    const std::string_view rest = path.substr(route.path.size());
    if (match(table, rest.starts_with("/v1/") ? rest.substr(3) : rest).route != nullptr)
      return {.pasted_endpoint = true};
  }
  return {};
}

}  // namespace intragate::pipeline
