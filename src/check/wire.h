// Asks a model server the way Dify's plugin does: a new connection for every request, HTTP/1.1, python-requests'
// headers, and watches when what arrives. Owner: one check. Thread: its loop. Does not: judge what it sees, retry,
// follow redirects.
// Source: docs/check.md; Dify's openai_api_compatible plugin.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/result.h"
#include "check/answer.h"
#include "net/task.h"
#include "upstream/endpoint.h"
#include "upstream/pool.h"

namespace intragate::check {

struct Question {
  std::string path;        // behind the endpoint's own: "/chat/completions"
  bool from_root = false;  // … or all of it: "/metrics"
  std::string body;        // empty: a GET
  std::string content_type = "application/json";
  Duration patience = std::chrono::seconds{300};  // as long as Dify waits
  // Hangs up as soon as so many bytes of the body are there.
  std::size_t leave_after = std::numeric_limits<std::size_t>::max();
};

class Wire {
 public:
  Wire(net::Loop& loop, AddressList egress) : loop_{loop}, egress_{std::move(egress)}, pool_{loop} {}

  // Errors: upstream_unreachable, upstream_timeout, egress_denied, upstream_broke, upstream_malformed. An answer that
  // broke off in its body is one, and not `whole`.
  [[nodiscard]] net::Task<Result<Answer>> ask(std::shared_ptr<upstream::Endpoint> endpoint, Question question);

 private:
  // How a body is read: from when on time counts, how long, and how much of it is wanted.
  struct Reading {
    TimePoint asked;
    net::Until until;
    std::size_t leave_after;
  };
  net::Task<void> read_body(net::HttpClient& client, Answer& answer, net::ResponseHead head, Reading reading);

  net::Loop& loop_;
  AddressList egress_;
  upstream::Pool pool_;
};

}  // namespace intragate::check
