#include "upstream/probe.h"

#include <array>
#include <utility>

#include "net/body_decoder.h"
#include "net/loop.h"

namespace intragate::upstream {
namespace {

using Fill = net::HttpClient::Fill;
constexpr std::size_t kMost = 4 * 1024 * 1024;

net::Task<Result<std::string>> read_body(net::HttpClient& client, net::BodyDecoder& decoder, net::Until until) {
  std::string body;
  for (;;) {
    const net::BodyDecoder::Step step = decoder.step(client.buffer().view());
    body.append(step.data);
    client.buffer().consume(step.consumed);
    if (step.state == net::BodyDecoder::State::end) co_return body;
    if (step.state == net::BodyDecoder::State::bad || body.size() > kMost) {
      co_return make_error(Code::upstream_malformed, {}).because("the page is malformed or too long");
    }
    if (step.state == net::BodyDecoder::State::piece) continue;
    const Fill got = client.fill(net::Buffer::kBlock);
    if (got == Fill::closed && decoder.may_close_here()) co_return body;
    if (got == Fill::closed) co_return make_error(Code::upstream_broke, {}).because("closed within the page");
    if (got == Fill::more) continue;
    const net::Wake wake = co_await client.readable(until);
    if (wake != net::Wake::ready)
      co_return make_error(Code::upstream_timeout, {}).because("waiting for the rest of the page");
  }
}

}  // namespace

net::Task<Result<std::string>> ask_models(Pool& pool, std::shared_ptr<Endpoint> endpoint, AddressList egress,
                                          net::Until until) {
  std::string path = endpoint->configured().path + "/models";
  return ask_page(pool, std::move(endpoint), std::move(path), std::move(egress), until);
}

net::Task<Result<std::string>> ask_page(Pool& pool, std::shared_ptr<Endpoint> endpoint, std::string path,
                                        AddressList egress, net::Until until) {
  const std::string head =
      "GET " + path + " HTTP/1.1\r\n" + endpoint->fixed_headers() + "Accept: application/json, text/plain\r\n\r\n";
  Result<Connection> connection = co_await pool.connect(endpoint, egress, until);
  if (!connection) co_return std::move(connection).error();
  net::HttpClient& client = connection->client();
  const std::array<std::string_view, 1> pieces{head};
  Result<Unit> sent = co_await client.send(pieces, 0, until);
  if (!sent) co_return std::move(sent).error();
  std::vector<net::Header> headers;
  Result<net::ResponseHead> answer = co_await client.receive_head(until, headers);
  if (!answer) co_return std::move(answer).error();
  client.drop_head();
  if (answer->status != 200) {
    co_return make_error(Code::upstream_status, {}).because("status " + std::to_string(answer->status));
  }
  net::BodyDecoder decoder{*answer};
  Result<std::string> body = co_await read_body(client, decoder, until);
  co_return body;  // the connection is not kept: the next question shows again whether one can be made
}

}  // namespace intragate::upstream
