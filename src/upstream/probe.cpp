#include "upstream/probe.h"

#include <array>
#include <utility>

#include "net/loop.h"
#include "net/whole_body.h"

namespace intragate::upstream {
namespace {

constexpr std::size_t kMost = 4 * 1024 * 1024;

}  // namespace

net::Task<Result<std::string>> ask_page(Pool& pool, std::shared_ptr<Endpoint> endpoint, std::string path,
                                        AddressList egress, net::Until until) {
  // gRPC asks with a message: an empty one in its frame.
  constexpr std::string_view kNothing{"\0\0\0\0\0", 5};
  const bool grpc = endpoint->speaks_grpc();
  const std::string head = (grpc ? "POST " : "GET ") + path + " HTTP/1.1\r\n" + endpoint->fixed_headers() +
                           "Accept: application/json, text/plain\r\n\r\n";
  Result<Connection> connection = co_await pool.connect(endpoint, egress, until);
  if (!connection) co_return std::move(connection).error();
  net::HttpClient& client = connection->client();
  const std::array<std::string_view, 2> pieces{head, grpc ? kNothing : std::string_view{}};
  Result<Unit> sent = co_await client.send(pieces, 0, until);
  if (!sent) co_return std::move(sent).error();
  std::vector<net::Header> headers;
  Result<net::ResponseHead> answer = co_await client.receive_head(until, headers);
  if (!answer) co_return std::move(answer).error();
  client.drop_head();
  if (answer->status != 200) {
    co_return make_error(Code::upstream_status, {}).because("status " + std::to_string(answer->status));
  }
  Result<std::string> body = co_await net::read_whole_body(client, net::BodyDecoder{*answer}, kMost, until);
  co_return body;  // the connection is not kept: the next question shows again whether one can be made
}

}  // namespace intragate::upstream
