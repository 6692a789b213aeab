#include <string>

#include "dialect/token_counter.h"
#include "pipeline/exchange.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {
namespace {

net::Task<Result<Next>> answer(Exchange& x, std::string body, std::string_view how) {
  const std::string extra = "x-intragate-tokens: " + std::string{how} + "\r\n";
  const bool sent = co_await x.reply.send_whole(x, {.extra = extra}, body);
  if (!sent) co_return make_error(Code::client_gone, {});
  co_return Next::answered;
}

}  // namespace

Passage Count::pass(Exchange& x) {
  if (!only_counts(x)) return Next::go_on;
  std::optional<dialect::TokenCounter::Count> count;
  if (x.lane->counter != nullptr) count = x.lane->counter->prompt(x.call, x.body(), x.wall);
  if (!count) count.emplace().tokens = estimated_prompt(x);
  return answer(x, R"({"input_tokens":)" + std::to_string(count->tokens) + '}', count->exact ? "counted" : "estimated");
}

}  // namespace intragate::pipeline
