#include "app/admin_client.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "net/http_client.h"
#include "net/loop.h"
#include "net/whole_body.h"

namespace intragate::app {
namespace {

constexpr Duration kPatience = std::chrono::seconds{10};
constexpr std::size_t kMost = std::size_t{64} << 20;  // of an answer

std::string head_of(const AdminRequest& request) {
  std::string head{request.method};
  head += " " + request.target + " HTTP/1.1\r\nHost: " + request.to.text() + "\r\nConnection: close\r\n";
  if (!request.token.empty()) head += "Authorization: Bearer " + request.token.reveal() + "\r\n";
  if (!request.body.empty()) {
    head += "Content-Type: application/json\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return head + "\r\n";
}

net::Task<Result<AdminAnswer>> ask(net::Loop& loop, const AdminRequest& request) {
  const net::Until until{Deadline::in(loop.now(), kPatience), nullptr};
  Result<net::Socket> socket = co_await net::connect(loop, request.to, until);
  if (!socket) co_return std::move(socket).error();
  if (request.tls != nullptr) {
    Result<Unit> secured = co_await net::secure(loop, *socket, request.tls, std::string{}, until);
    if (!secured) co_return std::move(secured).error();
  }
  net::HttpClient client{loop, std::move(*socket)};
  const std::string head = head_of(request);
  const std::array<std::string_view, 2> pieces{head, request.body};
  Result<Unit> sent = co_await client.send(pieces, 0, until);
  if (!sent) co_return std::move(sent).error();
  std::vector<net::Header> headers;
  Result<net::ResponseHead> answer = co_await client.receive_head(until, headers);
  if (!answer) co_return std::move(answer).error();
  client.drop_head();
  Result<std::string> body = co_await net::read_whole_body(client, net::BodyDecoder{*answer}, kMost, until);
  if (!body) co_return std::move(body).error();
  co_return AdminAnswer{answer->status, *std::move(body)};
}

net::Task<void> ask_and_stop(net::Loop& loop, const AdminRequest& request, std::optional<Result<AdminAnswer>>& into) {
  Result<AdminAnswer> answer = co_await ask(loop, request);
  into.emplace(std::move(answer));
  loop.stop();
}

}  // namespace

Result<AdminAnswer> ask_admin(const AdminRequest& request) {
  net::Loop loop{0};
  std::optional<Result<AdminAnswer>> answer;
  loop.post([&] { loop.spawn(ask_and_stop(loop, request, answer)); });
  loop.run();
  if (answer && *answer) return *std::move(*answer);
  const std::string why = answer ? answer->error().detail : "interrupted";
  return make_error(Code::io, "no gateway answers at " + request.to.text() + " (" + why + ")");
}

}  // namespace intragate::app
