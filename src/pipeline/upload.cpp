#include "pipeline/upload.h"

#include <array>
#include <utility>

#include "net/chunked.h"
#include "net/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/relay_stream.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

constexpr std::size_t kHeld = 128 * 1024;  // of every form: so much can be sent again

Error without_model(Error error) {
  if (error.code == Code::body_too_large) {
    error.message += " A form that says its `model` before the recording may be longer: it is not held.";
  }
  return error;
}

// Whether nothing follows a piece.
bool ends_with(const Exchange& x, std::string_view piece) {
  const net::RequestHead& head = x.connection.head();
  const bool counted = head.framing == net::Framing::length && x.connection.body_bytes() == head.content_length;
  return piece.empty() || counted;
}

// One piece as the model gets it: framed as the client frames its own.
net::Task<Result<bool>> send_piece(Exchange& x, Attempt& a, std::string_view piece) {
  const net::Until until = net::Until{x.deadline, a.cancellation}.earlier(
      Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.first_byte));
  std::array<std::string_view, 3> parts{piece, {}, {}};
  std::string head;
  if (x.connection.head().framing == net::Framing::chunked) {
    if (!piece.empty()) net::append_chunk_head(head, piece.size());
    parts = piece.empty() ? std::array<std::string_view, 3>{net::kLastChunk, {}, {}}
                          : std::array<std::string_view, 3>{head, piece, net::kChunkEnd};
  }
  Result<bool> sent = co_await a.upstream.client().send_more(parts, until);
  co_return sent;
}

}  // namespace

net::Task<Result<Unit>> receive_form(Exchange& x) {
  Result<dialect::form::Reader> reader = dialect::form::Reader::of(x.head.content_type);
  if (!reader) co_return std::move(reader).error();
  net::HttpConnection::Pieces at;
  for (;;) {
    Result<std::string_view> piece = co_await x.connection.receive_piece(at, {});
    x.bytes_in = x.connection.body_bytes();
    if (!piece) co_return std::move(piece).error();
    if (piece->empty()) co_return Unit{};
    Result<Unit> read = reader->take(*piece);
    if (!read) co_return read;
    Result<Unit> held = x.connection.hold(*piece);
    if (!held) co_return without_model(std::move(held).error());
    if (!reader->call().model.empty() && x.connection.body().size() >= kHeld) break;
  }
  x.upload = std::make_unique<Upload>(Upload{.reader = *std::move(reader), .at = at});
  co_return Unit{};
}

net::Task<Result<Unit>> pass_on(Exchange& x, Attempt& a) {
  Upload& upload = *x.upload;
  upload.passed_on = true;
  x.phase = llm::Phase::receiving;
  for (int rounds = 0;;) {
    Result<std::string_view> piece = co_await x.connection.receive_piece(upload.at, x.deadline);
    x.bytes_in = x.connection.body_bytes();
    if (!piece) co_return std::move(piece).error();
    // Before the model has the last of it: of a form that is refused it must not get the whole.
    Result<Unit> read = upload.reader.take(*piece);
    if (read && ends_with(x, *piece)) read = upload.reader.end();
    if (!read) co_return read;
    if (x.transcript && !piece->empty()) x.transcript->prompt_rest(*piece);
    Result<bool> sent = co_await send_piece(x, a, *piece);
    if (!sent) co_return std::move(sent).error();
    if (!*sent || piece->empty()) break;
    if (++rounds < kBusyRounds) continue;
    rounds = 0;
    co_await net::Yield{x.worker.loop()};
    if (x.connection.cancellation().fired()) co_return make_error(Code::client_gone, {});
  }
  x.phase = llm::Phase::first_byte;
  co_return Unit{};
}

bool can_be_sent_again(const Exchange& x) {
  return !x.upload || !x.upload->passed_on;
}

}  // namespace intragate::pipeline
