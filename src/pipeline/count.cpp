#include <string>

#include "pipeline/exchange.h"
#include "pipeline/measure.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {
namespace {

net::Task<Result<Next>> answer(Exchange& x, Counted count) {
  if (!count) count.emplace().tokens = estimated_prompt(x);
  const std::string body = R"({"input_tokens":)" + std::to_string(count->tokens) + '}';
  const std::string extra = std::string{"x-intragate-tokens: "} + (count->exact ? "counted" : "estimated") + "\r\n";
  const bool sent = co_await x.reply.send_whole(x, {.extra = extra}, body);
  if (!sent) co_return make_error(Code::client_gone, {});
  co_return Next::answered;
}

net::Task<Result<Next>> answer_long(Exchange& x) {
  const Result<Counted> counted = co_await count_aside(x);
  if (!counted) co_return counted.error();
  Result<Next> answered = co_await answer(x, *counted);
  co_return answered;
}

}  // namespace

Passage Count::pass(Exchange& x) {
  if (!only_counts(x)) return Next::go_on;
  if (x.lane->counter == nullptr) return answer(x, {});
  if (x.body().size() > kCountedAtOnce) return answer_long(x);
  return answer(x, x.lane->counter->prompt(x.call, x.body(), x.wall));
}

}  // namespace intragate::pipeline
