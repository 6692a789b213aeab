#include "net/grpc_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "net/http_head.h"

namespace intragate::net {
namespace {

constexpr std::size_t kMostOut = std::size_t{64} * 1024;   // waiting to be written
constexpr std::size_t kMostHead = std::size_t{64} * 1024;  // of a head, or of trailers
constexpr std::uint32_t kWindow = 1024 * 1024;
constexpr std::uint64_t kMostQuiet = 1000;    // pings, settings, windows and empty frames of a call …
constexpr std::uint64_t kQuietPerUseful = 8;  // … and for each that carries something
// The same in bytes, which also counts what libnghttp2 does not tell of: padding, frames of unknown types.
constexpr std::uint64_t kMostQuietBytes = std::uint64_t{256} * 1024;
constexpr std::uint64_t kQuietBytesPerUseful = 32;

GrpcSession& self(void* data) {
  return *static_cast<GrpcSession*>(data);
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// The fields that say how HTTP/1.1 carries a request, and those that every gRPC call has of its own.
bool is_carriage(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames{
      "host",       "content-length",    "content-type", "accept", "accept-encoding",
      "connection", "transfer-encoding", "user-agent"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

struct Options {
  nghttp2_option* made = nullptr;
  Options() {
    if (nghttp2_option_new(&made) != 0) return;
    nghttp2_option_set_max_reserved_remote_streams(made, 0);
    nghttp2_option_set_no_closed_streams(made, 1);
    nghttp2_option_set_max_outbound_ack(made, 100);
  }
  ~Options() { nghttp2_option_del(made); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
};

}  // namespace

// libnghttp2's way back here. A callback that returns an error ends the session.
// NOLINTBEGIN(readability-function-size): libnghttp2's signatures
struct GrpcSession::Callbacks {
  static int on_begin_headers(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/, void* data) {
    self(data).head_bytes_ = 0;
    return 0;
  }

  static int on_header(nghttp2_session* /*session*/, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
                       void* data) {
    GrpcSession& s = self(data);
    s.head_bytes_ += name_size + value_size + 32;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts
    if (s.head_bytes_ > kMostHead) return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->hd.stream_id == s.stream_) s.answer_.field(text_of(name, name_size), text_of(value, value_size));
    return 0;
  }

  static int on_data(nghttp2_session* /*session*/, std::uint8_t /*flags*/, std::int32_t stream,
                     const std::uint8_t* bytes, std::size_t size, void* data) {
    GrpcSession& s = self(data);
    if (stream != s.stream_ || s.into_ == nullptr || size == 0) return 0;
    s.note_useful(size);
    s.answer_.body(text_of(bytes, size), *s.into_);
    return 0;
  }

  static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* data) {
    GrpcSession& s = self(data);
    const bool ours = s.stream_ != 0 && frame->hd.stream_id == s.stream_;
    const bool useful = ours && frame->hd.type == NGHTTP2_DATA && frame->hd.length > frame->data.padlen;
    if (!useful) s.note_quiet_frame();
    if (!ours || s.into_ == nullptr) return s.broken_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !s.answer_.begun()) s.answer_.head_ends();
    const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (last && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)) s.answer_.end(*s.into_);
    return s.broken_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int on_close(nghttp2_session* /*session*/, std::int32_t stream, std::uint32_t code, void* data) {
    GrpcSession& s = self(data);
    if (stream != s.stream_) return 0;
    if (!s.answer_.ended()) s.broken_ = true;
    s.refused_ = code == NGHTTP2_REFUSED_STREAM;
    s.stream_ = 0;
    s.body_.clear();
    return 0;
  }

  static ssize_t read_body(nghttp2_session* /*session*/, std::int32_t /*stream*/, std::uint8_t* to, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source* /*source*/, void* data) {
    GrpcSession& s = self(data);
    if (s.body_.empty()) return NGHTTP2_ERR_DEFERRED;  // let go: half a message must not look like a whole one
    std::size_t copied = 0;
    while (!s.body_.empty() && copied < size) {
      std::string_view& piece = s.body_.front();
      const std::size_t part = std::min(piece.size(), size - copied);
      if (part > 0) std::memcpy(to + copied, piece.data(), part);
      copied += part;
      piece.remove_prefix(part);
      if (piece.empty()) s.body_.erase(s.body_.begin());
    }
    s.note_useful(copied);
    s.taken_ = s.body_.empty();
    if (s.taken_) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(copied);
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) return nullptr;
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, on_close);
    return made;
  }
};
// NOLINTEND(readability-function-size)

GrpcSession::GrpcSession(Scheme scheme) : scheme_{scheme} {
  static const nghttp2_session_callbacks* const callbacks = Callbacks::make();  // for as long as the process lives
  static const Options options;
  broken_ = callbacks == nullptr || options.made == nullptr ||
            nghttp2_session_client_new2(&session_, callbacks, this, options.made) != 0;
  if (broken_) return;
  const std::array<nghttp2_settings_entry, 3> settings{{{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                                        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow},
                                                        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMostHead}}};
  broken_ = nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0 ||
            nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow) != 0;
}

GrpcSession::~GrpcSession() {
  nghttp2_session_del(session_);
}

void GrpcSession::note_quiet_frame() {
  if (++quiet_ > kMostQuiet + kQuietPerUseful * useful_) broken_ = true;
}

void GrpcSession::note_useful(std::size_t bytes) {
  ++useful_;
  useful_bytes_ += bytes;
}

// After a GOAWAY libnghttp2 wants nothing more once the call has ended.
bool GrpcSession::idle() const {
  return !broken_ && stream_ == 0 && nghttp2_session_want_read(session_) != 0;
}

bool GrpcSession::begin(std::span<const std::string_view> pieces) {
  std::vector<Header> headers;
  const Result<RequestHead> head = parse_request_head(pieces.front(), headers);
  if (!head || !idle()) {
    broken_ = true;  // so that nobody waits for an answer
    return false;
  }
  std::vector<std::string> names;  // in lower case
  names.reserve(headers.size());
  std::vector<nghttp2_nv> fields;
  const auto add = [&fields](std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view text) {
      return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    // Never indexed: credentials are among them.
    fields.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NO_INDEX});
  };
  add(":method", head->method);
  add(":scheme", scheme_ == Scheme::https ? "https" : "http");
  add(":path", head->target);
  add(":authority", find_header(headers, "host"));
  add("content-type", "application/grpc");
  add("te", "trailers");
  for (const Header& header : headers) {
    names.push_back(text::lower(header.name));
    if (!is_carriage(names.back())) add(names.back(), header.value);
  }
  end_call();
  for (const std::string_view piece : pieces.subspan(1)) {
    if (!piece.empty()) body_.push_back(piece);
  }
  taken_ = body_.empty();
  const nghttp2_data_provider provider{{}, Callbacks::read_body};
  stream_ =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), taken_ ? nullptr : &provider, nullptr);
  if (stream_ < 0) broken_ = true;
  return !broken_;
}

std::string_view GrpcSession::output() {
  while (out_.size() < kMostOut && session_ != nullptr) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) broken_ = true;
    if (size <= 0) break;
    out_ += text_of(bytes, static_cast<std::size_t>(size));
  }
  // libnghttp2 has said why it ends the connection, or there is nothing to wait for.
  if (session_ == nullptr || nghttp2_session_want_read(session_) == 0) broken_ = true;
  return out_;
}

void GrpcSession::sent(std::size_t size) {
  out_.erase(0, size);
  if (out_.empty()) out_ = {};
}

void GrpcSession::take(std::string_view bytes, std::string& answer) {
  if (broken_) return;
  into_ = &answer;
  const std::uint64_t useful_before = useful_bytes_;
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  into_ = nullptr;
  quiet_bytes_ += bytes.size() - std::min<std::uint64_t>(bytes.size(), useful_bytes_ - useful_before);
  const bool flooded = quiet_bytes_ > kMostQuietBytes + kQuietBytesPerUseful * useful_bytes_;
  if (taken < 0 || flooded) broken_ = true;
}

void GrpcSession::end_call() {
  answer_ = {};
  body_.clear();
  taken_ = refused_ = false;
  quiet_ = useful_ = quiet_bytes_ = useful_bytes_ = 0;
}

void GrpcSession::cancel() {
  if (session_ == nullptr) return;
  body_.clear();
  if (stream_ > 0) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream_, NGHTTP2_CANCEL);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
}

}  // namespace intragate::net
