#include "check/wire.h"

#include <array>

#include "base/text.h"
#include "net/body_decoder.h"
#include "net/loop.h"

namespace intragate::check {
namespace {

constexpr std::size_t kMost = std::size_t{32} << 20;  // of an answer

std::string head_of(const upstream::Endpoint& endpoint, const Question& question) {
  std::string head = question.body.empty() ? "GET " : "POST ";
  if (!question.from_root) head += endpoint.configured().path;
  head += question.path + " HTTP/1.1\r\n" + endpoint.fixed_headers();
  head +=
      "User-Agent: python-requests/2.34.2 (intragate check)\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
      "Connection: keep-alive\r\n";
  if (!question.body.empty()) {
    head += "Content-Type: " + question.content_type + "\r\nContent-Length: " + std::to_string(question.body.size()) +
            "\r\n";
  }
  return head + "\r\n";
}

}  // namespace

net::Task<Result<Answer>> Wire::ask(std::shared_ptr<upstream::Endpoint> endpoint, Question question) {
  const TimePoint start = loop_.fresh_now();
  const net::Until until{Deadline::in(start, question.patience), nullptr};
  Result<upstream::Connection> connection = co_await pool_.connect(endpoint, egress_, until);
  if (!connection) co_return std::move(connection).error();
  net::HttpClient& client = connection->client();
  Answer answer;
  const TimePoint asked = loop_.fresh_now();
  answer.connected = asked - start;
  const std::string head = head_of(*endpoint, question);
  const std::array<std::string_view, 2> pieces{head, question.body};
  Result<Unit> sent = co_await client.send(pieces, 0, until);
  if (!sent) co_return std::move(sent).error();
  std::vector<net::Header> headers;
  Result<net::ResponseHead> got = co_await client.receive_head(until, headers);
  if (!got) co_return std::move(got).error();
  answer.status = got->status;
  answer.content_type = text::lower(net::find_header(headers, "content-type"));
  answer.encoding = net::find_header(headers, "content-encoding");
  answer.location = net::find_header(headers, "location");
  answer.chunked = got->framing == net::Framing::chunked;
  answer.headed = loop_.fresh_now() - asked;
  client.drop_head();
  const Reading reading{asked, until, question.leave_after};
  co_await read_body(client, answer, *got, reading);
  answer.ended = loop_.fresh_now() - asked;
  co_return answer;  // the connection is not kept: Dify's plugin does not keep it either
}

net::Task<void> Wire::read_body(net::HttpClient& client, Answer& answer, net::ResponseHead head, Reading reading) {
  using Fill = net::HttpClient::Fill;
  using State = net::BodyDecoder::State;
  net::BodyDecoder decoder{head};
  for (;;) {
    const std::size_t before = answer.body.size();
    net::BodyDecoder::Step step = decoder.step(client.buffer().view());
    for (; step.state == State::piece; step = decoder.step(client.buffer().view())) {
      answer.body.append(step.data);
      client.buffer().consume(step.consumed);
    }
    client.buffer().consume(step.consumed);
    if (answer.body.size() > before) answer.arrivals.push_back({loop_.fresh_now() - reading.asked, answer.body.size()});
    if (step.state == State::end) co_return;
    answer.whole = false;
    if (step.state == State::bad || answer.body.size() > kMost || answer.body.size() >= reading.leave_after) co_return;
    Fill fill = client.fill(net::Buffer::kBlock);
    if (fill == Fill::blocked) {
      const net::Wake wake = co_await client.readable(reading.until);
      if (wake != net::Wake::ready) co_return;
      fill = client.fill(net::Buffer::kBlock);
    }
    answer.whole = fill != Fill::closed || (decoder.may_close_here() && !client.cut());
    if (fill == Fill::closed) co_return;
  }
}

}  // namespace intragate::check
