// The half of HttpClient for models that speak gRPC: the same promises, with a GrpcSession in between.
#include <algorithm>
#include <array>
#include <cstring>

#include "net/grpc_session.h"
#include "net/http_client.h"
#include "net/loop.h"

namespace intragate::net {
namespace {

constexpr int kReads = 16;  // without a byte of an answer, before others have their turn (waiting gives it them)

void append(Buffer& to, std::string_view bytes) {
  to.reserve(to.size() + bytes.size());
  std::memcpy(to.space().data(), bytes.data(), bytes.size());
  to.commit(bytes.size());
}

}  // namespace

HttpClient::~HttpClient() {
  if (grpc_ == nullptr || !socket_.open()) return;
  grpc_->cancel();
  (void)flush_grpc();
}

std::size_t HttpClient::begin_grpc(std::span<const std::string_view> pieces) {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  if (!grpc_->begin(pieces) || !flush_grpc()) return 0;  // fill() finds the connection closed
  request_sent_ = grpc_->request_sent();
  return request_sent_ ? size : 0;
}

Task<Result<Unit>> HttpClient::send_grpc(std::span<const std::string_view> pieces, Until until) {
  if (grpc_->idle()) (void)begin_grpc(pieces);
  for (;;) {
    if (!flush_grpc() || grpc_->broken()) break;
    request_sent_ = grpc_->request_sent();
    if (request_sent_) co_return Unit{};
    const Wake wake = co_await readable(until);  // for the windows that the server opens
    if (wake != Wake::ready) {
      grpc_->let_go();
      if (wake == Wake::cancelled) co_return make_error(Code::client_gone, {});
      co_return make_error(Code::upstream_timeout, {}).because("sending the request");
    }
    if (fill_grpc(Buffer::kBlock) != Fill::blocked) break;  // it answers already, or has gone
  }
  grpc_->let_go();
  co_return Unit{};
}

// What there is to say goes out as far as the socket takes it; false: nobody is there any more.
bool HttpClient::flush_grpc() {
  for (;;) {
    const std::array<std::string_view, 1> out{grpc_->output()};
    if (out[0].empty()) return true;
    const Socket::Moved moved = socket_.write(out);
    if (moved.io == Socket::Io::failed) return false;
    if (moved.io != Socket::Io::done) return true;
    grpc_->sent(moved.bytes);
  }
}

HttpClient::Fill HttpClient::fill_grpc(std::size_t limit) {
  std::array<char, Buffer::kBlock> bytes;
  std::string answer;
  for (int i = 0; i < kReads; ++i) {
    if (!flush_grpc() || grpc_->broken()) return Fill::closed;
    if (!socket_.may_read()) return Fill::blocked;
    const Socket::Moved moved = socket_.read({bytes.data(), std::min(limit, bytes.size())});
    if (moved.io == Socket::Io::blocked) return Fill::blocked;
    if (moved.io != Socket::Io::done) return Fill::closed;
    grpc_->take({bytes.data(), moved.bytes}, answer);
    (void)flush_grpc();
    answered_ = answered_ || grpc_->answered();
    if (answer.empty()) continue;
    append(in_, answer);
    return Fill::more;
  }
  return Fill::blocked;
}

// Idle servers say things too: pings, and that they are about to go.
bool HttpClient::grpc_stale() {
  if (socket_.hung_up()) return true;
  return fill_grpc(Buffer::kBlock) != Fill::blocked || !grpc_->idle();
}

}  // namespace intragate::net
