#include "auth/rules.h"
#include "base/text.h"
#include "dialect/openai.h"
#include "pipeline/abilities.h"
#include "pipeline/exchange.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {
namespace {

using dialect::openai::ModelEntry;

ModelEntry entry_of(const Exchange& x, const Lane& lane, std::string_view name) {
  return {.id = name,
          .created = lane.known_since,
          .context_window = lane.model.context_window,
          .kind = lane.model.kind,
          .capabilities = abilities_of(lane, *x.principal)};
}

// Who may not use a model does not learn that it exists.
bool shows(const Exchange& x, const Lane& lane, std::string_view name) {
  return lane.model.allow.contains(x.address) && auth::may_use(*x.principal, names_of(lane), name);
}

std::string list(const Exchange& x) {
  std::vector<ModelEntry> entries;
  for (const auto& lane : x.snapshot->listed) {
    if (shows(x, *lane, lane->name)) entries.push_back(entry_of(x, *lane, lane->name));
    for (const std::string& alias : lane->model.aliases) {
      if (shows(x, *lane, alias)) entries.push_back(entry_of(x, *lane, alias));
    }
  }
  return dialect::openai::encode_models(entries);
}

// %2F and the like: model names hold slashes.
std::string percent_decoded(std::string_view segment) {
  std::string name;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const bool escape = segment[i] == '%' && i + 2 < segment.size();
    const int high = escape ? text::hex_value(segment[i + 1]) : -1;
    const int low = escape ? text::hex_value(segment[i + 2]) : -1;
    if (high >= 0 && low >= 0) {
      name.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      name.push_back(segment[i]);
    }
  }
  return name;
}

net::Task<Result<Next>> answer(Exchange& x, std::string body) {
  const bool sent = co_await x.reply.send_whole(x, {}, body);
  if (!sent) co_return make_error(Code::client_gone, {});
  co_return Next::answered;
}

}  // namespace

Passage ListModels::pass(Exchange& x) {
  if (x.call.api == llm::Api::models) return answer(x, list(x));
  if (x.call.api != llm::Api::model) return Next::go_on;
  x.call.model = percent_decoded(x.target.rest);
  const Lane* lane = x.snapshot->find(x.call.model);
  if (lane == nullptr || !shows(x, *lane, x.call.model)) {
    return make_error(Code::unknown_model, "The model " + text::quoted(x.call.model) +
                                               " does not exist here; GET /v1/models lists those this key may use.");
  }
  return answer(x, dialect::openai::encode_model(entry_of(x, *lane, x.call.model)));
}

}  // namespace intragate::pipeline
