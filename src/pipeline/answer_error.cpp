#include "pipeline/answer_error.h"

#include "base/error_table.h"
#include "pipeline/exchange.h"
#include "pipeline/fronting.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

std::string extra_headers(const Exchange& x) {
  const Error& error = *x.error;
  const ErrorRow& row = error_row(error.code);
  std::string extra;
  if (row.retry_after || error.retry_after > Duration::zero()) {
    extra += "retry-after: " + std::to_string(retry_after_seconds(error)) + "\r\n";
  }
  if (row.status == 401) extra += "www-authenticate: Bearer\r\n";
  if (error.code == Code::unsupported_method) {
    const bool get = x.target.route != nullptr && x.target.route->method == Method::get;
    extra += get ? "allow: GET, HEAD, OPTIONS\r\n" : "allow: POST, OPTIONS\r\n";
  }
  return extra;
}

// After the stream began: one event, then the connection closes without the end of the chunked body and without [DONE],
// so that no client can take what came for the whole answer.
net::Task<void> send_event(Exchange& x) {
  if (!x.streaming) co_return;  // in a long JSON answer there is no place for words
  const std::string event = error_event(x, *x.error);
  const std::string framed = x.reply.framed(event);
  if (x.reply.send_now(framed, event.size())) co_return;
  (void)co_await x.reply.send_rest(x, framed);
}

// Waits end as if the client had left also when the gateway stops or an administrator ends the call. Then the client is
// there and gets to know.
void say_who_ended_it(Exchange& x) {
  if (x.error->code != Code::client_gone) return;
  net::Cancellation& cancellation = x.connection.cancellation();
  const bool begun = x.reply.head_sent();
  if (cancellation.reason() ==
      net::CancelReason::shutdown) {  // what the client does not take at once is not waited for
    *x.error =
        make_error(Code::draining, begun ? "The gateway is stopping: this answer is incomplete; please try again."
                                         : "The gateway is stopping; please try again in a moment.");
  }
  if (cancellation.reason() != net::CancelReason::operator_request) return;
  *x.error = make_error(Code::cancelled, begun ? "An administrator ended this call: what came until then is incomplete."
                                               : "An administrator ended this call before the answer began.");
  cancellation.withdraw();
  x.connection.watch_hangup();
}

}  // namespace

net::Task<void> answer_error(Exchange& x) {
  say_who_ended_it(x);
  const Error& error = *x.error;
  if (error.code == Code::client_gone || x.connection.failed()) co_return;
  if (x.reply.ended() || x.reply.is_error_told()) co_return;
  if (x.reply.head_sent()) {
    co_await send_event(x);
    co_return;
  }
  const std::string body = error_body(x, error);
  const std::string extra = extra_headers(x);
  (void)co_await x.reply.send_whole(x, {.status = error_row(error.code).status, .extra = extra}, body);
}

}  // namespace intragate::pipeline
