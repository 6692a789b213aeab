#include "net/whole_body.h"

#include "net/loop.h"

namespace intragate::net {

Task<Result<std::string>> read_whole_body(HttpClient& client, BodyDecoder decoder, std::size_t most, Until until) {
  using Fill = HttpClient::Fill;
  std::string body;
  for (;;) {
    const BodyDecoder::Step step = decoder.step(client.buffer().view());
    body.append(step.data);
    client.buffer().consume(step.consumed);
    if (step.state == BodyDecoder::State::end) co_return body;
    if (step.state == BodyDecoder::State::bad || body.size() > most) {
      co_return make_error(Code::upstream_malformed, {}).because("the answer is malformed or too long");
    }
    if (step.state == BodyDecoder::State::piece) continue;
    const Fill got = client.fill(Buffer::kBlock);
    if (got == Fill::closed && decoder.may_close_here() && !client.cut()) co_return body;
    if (got == Fill::closed) co_return make_error(Code::upstream_broke, {}).because("closed within the answer");
    if (got == Fill::more) continue;
    const Wake wake = co_await client.readable(until);
    if (wake != Wake::ready) {
      co_return make_error(Code::upstream_timeout, {}).because("the answer did not come in time");
    }
  }
}

}  // namespace intragate::net
