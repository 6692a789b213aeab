#include "audit/copy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "config/tls_rules.h"
#include "net/datagram_socket.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls_stream.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kBatch = std::size_t{64} * 1024;
constexpr Duration kTick = std::chrono::milliseconds{50};  // how late a record may leave
constexpr Duration kConnect = std::chrono::seconds{5};
constexpr Duration kStall = std::chrono::seconds{30};  // a target that takes nothing
constexpr Duration kFirstPause = std::chrono::milliseconds{200};
constexpr Duration kLongestPause = std::chrono::seconds{10};
constexpr Duration kRenew = std::chrono::minutes{1};  // datagrams: then the name is looked up again

constexpr std::string_view kNobody = "nobody listens there";

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// The whole lines at the beginning of `lines` that fit.
std::string_view fitting(std::string_view lines, std::uint64_t room) {
  if (lines.size() <= room) return lines;
  const std::size_t end = room == 0 ? std::string_view::npos : lines.rfind('\n', static_cast<std::size_t>(room) - 1);
  return end == std::string_view::npos ? std::string_view{} : lines.substr(0, end + 1);
}

// Of a line of the chain: {"seq":17,…
std::uint64_t seq_of(std::string_view line) {
  constexpr std::string_view kBegin = R"({"seq":)";
  std::uint64_t seq = 0;
  if (line.starts_with(kBegin)) std::from_chars(line.data() + kBegin.size(), line.data() + line.size(), seq);
  return seq;
}

template <class Take>
void each_line(std::string_view lines, Take take) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
    take(lines.substr(0, end));
    lines.remove_prefix(end + 1);
  }
}

Error broken(std::string why) {
  return make_error(Code::upstream_broke, {}).because(std::move(why));
}

}  // namespace

Result<Copy::Rules> Copy::rules_of(const config::AuditCopy& to, const AddressList& egress) {
  Rules rules{to, egress, nullptr};
  if (!to.tls) return rules;
  Result<std::shared_ptr<const net::TlsContext>> tls = net::TlsContext::client(config::rules_of(*to.tls, to.host));
  if (!tls) return std::move(tls).error();
  rules.tls = *std::move(tls);
  return rules;
}

Copy::Copy(net::Loop& loop, Rules rules, const SyslogOrigin& origin)
    : loop_{loop},
      rules_{std::move(rules)},
      origin_{origin},
      name_{rules_.to.to},
      room_{rules_.to.buffer},
      needed_{rules_.to.on_full == config::OnFull::refuse},
      trouble_{"no connection yet"} {}

void Copy::offer(std::string_view lines) {
  const std::uint64_t room = room_.load(std::memory_order_relaxed);
  const std::uint64_t held = held_.load(std::memory_order_relaxed);  // only shrinks meanwhile
  const std::string_view taken = ended_ ? std::string_view{} : fitting(lines, room - std::min(room, held));
  if (!taken.empty() && gap_.records > 0) ended_ = std::exchange(gap_, {});
  if (taken.size() < lines.size()) note_gap(lines.substr(taken.size()));
  if (taken.empty()) return;
  const std::lock_guard lock{mutex_};
  waiting_ += taken;
  held_ += taken.size();
}

void Copy::note_gap(std::string_view lost) {
  const std::uint64_t records = lines_in(lost);
  dropped_ += records;
  overflowed_ = true;
  if (gap_.records == 0) gap_.first_seq = seq_of(lost);
  gap_.records += records;
  lost.remove_suffix(1);
  gap_.last_seq = seq_of(lost.substr(lost.rfind('\n') + 1));
}

std::optional<CopyGap> Copy::take_gap() {
  std::optional<CopyGap> gap = std::exchange(ended_, std::nullopt);
  if (gap) gap->to = name_;
  return gap;
}

void Copy::end_gap() {
  if (!ended_ && gap_.records > 0) ended_ = std::exchange(gap_, {});
}

bool Copy::must_refuse() const {
  const std::uint64_t room = room_.load(std::memory_order_relaxed);
  const std::uint64_t held = held_.load(std::memory_order_relaxed);
  // Once half of it is free records are taken again, whoever noted the overflow last.
  const bool still_full = overflowed_.load(std::memory_order_relaxed) && held > room / 2;
  return needed_.load(std::memory_order_relaxed) && (still_full || held >= room - room / 8);
}

CopyState Copy::state() const {
  const std::lock_guard lock{mutex_};
  return {.to = name_, .sent = sent_, .dropped = dropped_, .waiting_bytes = held_, .trouble = trouble_};
}

void Copy::adopt(Rules rules) {
  renew_ = renew_ || rules.to.tls != rules_.to.tls || rules.egress != rules_.egress;
  if (rules.to.tls == rules_.to.tls) rules.tls = rules_.tls;
  room_ = rules.to.buffer;
  needed_ = rules.to.on_full == config::OnFull::refuse;
  rules_ = std::move(rules);
}

void Copy::give_up() {
  closing_.fire(net::CancelReason::shutdown);
}

bool Copy::nothing_waits() const {
  const std::lock_guard lock{mutex_};
  return waiting_.empty();
}

std::string Copy::take_lines() {
  const std::lock_guard lock{mutex_};
  if (waiting_.size() <= kBatch) return std::exchange(waiting_, {});
  const std::size_t end = std::min(waiting_.find('\n', kBatch), waiting_.size() - 1) + 1;
  std::string taken = waiting_.substr(0, end);
  waiting_.erase(0, end);
  return taken;
}

// False: there is nothing to send.
bool Copy::add_batch() {
  std::string lines = take_lines();
  if (lines.empty()) return false;
  Batch batch{.bytes = {}, .lines = lines_in(lines), .held = lines.size()};
  if (rules_.to.form == config::AuditCopy::Form::lines) {
    batch.bytes = std::move(lines);
  } else {
    batch.bytes.reserve(lines.size() + batch.lines * 96);
    each_line(lines, [&](std::string_view line) { append_counted_syslog(batch.bytes, line, origin_); });
  }
  batches_.push_back(std::move(batch));
  return true;
}

void Copy::let_go(const Batch& batch, bool arrived) {
  (arrived ? sent_ : dropped_) += batch.lines;
  held_ -= batch.held;
  if (held_ <= room_ / 2) overflowed_ = false;
}

// Forgets what the target's system has acknowledged; TLS makes what is under way only longer.
void Copy::confirm(const net::Socket& socket) {
  const std::size_t under_way = socket.unacknowledged();
  std::size_t written = 0;
  for (std::size_t i = 0; i < next_; ++i) written += batches_[i].bytes.size();
  while (next_ > 0 && written - batches_.front().bytes.size() >= under_way) {
    written -= batches_.front().bytes.size();
    let_go(batches_.front(), true);
    batches_.pop_front();
    --next_;
  }
}

// Said in the log when it changes.
void Copy::say(std::string trouble) {
  {
    const std::lock_guard lock{mutex_};
    if (trouble_ == trouble) return;
    trouble_ = trouble;
  }
  if (trouble.empty()) {
    log::info("audit records are copied", {{"to", name_}});
  } else {
    log::error("audit records cannot be copied, they wait in memory", {{"to", name_}, {"reason", trouble}});
  }
}

net::Task<Result<SocketAddress>> Copy::find() {
  const net::Until until{Deadline::in(loop_.now(), kConnect), &closing_};
  Result<std::vector<IpAddress>> found = co_await loop_.resolver().resolve(rules_.to.host, until);
  if (!found) co_return std::move(found).error();
  std::vector<IpAddress> allowed = *found;
  std::erase_if(allowed, [this](const IpAddress& ip) { return !rules_.egress.contains(ip); });
  if (allowed.empty()) {
    co_return make_error(Code::egress_denied, {})
        .because(rules_.to.host + " resolves to " + found->front().text() + ", which egress does not allow");
  }
  // Another one each time: one of several may be dead.
  const SocketAddress address{allowed[thread_random().next() % allowed.size()], rules_.to.port};
  co_return address;
}

net::Task<Result<net::Socket>> Copy::connect() {
  Result<SocketAddress> address = co_await find();
  if (!address) co_return std::move(address).error();
  const net::Until until{Deadline::in(loop_.now(), kConnect), &closing_};
  Result<net::Socket> socket = co_await net::connect(loop_, *address, until);
  if (!socket || rules_.tls == nullptr) co_return socket;
  Result<Unit> secured = co_await net::secure(loop_, *socket, rules_.tls, std::string{}, until);
  if (!secured) co_return std::move(secured).error();
  co_return socket;
}

// A moment without anything to send: has the target left, and what has it acknowledged?
net::Task<Result<Unit>> Copy::watch(net::Socket& socket) {
  const net::Until until{Deadline::in(loop_.now(), kTick), &closing_};
  const net::Wake wake = co_await socket.wait(loop_, net::Interest::read, until);
  if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
  if (wake == net::Wake::ready) {
    std::array<char, 1024> unasked{};
    const net::Socket::Moved moved = socket.read(unasked);
    if (moved.io == net::Socket::Io::closed) co_return broken("the target has closed the connection");
    if (moved.io == net::Socket::Io::failed) co_return broken("the connection broke");
  }
  confirm(socket);
  co_return Unit{};
}

// What an earlier connection did not get acknowledged goes first. Without error: nothing is left, or the rules changed.
net::Task<Result<Unit>> Copy::send_stream() {
  next_ = 0;
  renew_ = false;
  Result<net::Socket> socket = co_await connect();
  if (!socket) co_return std::move(socket).error();
  say({});
  while (!renew_) {
    if (next_ == batches_.size() && !add_batch()) {
      if (done()) break;
      Result<Unit> watched = co_await watch(*socket);
      if (!watched) co_return std::move(watched).error();
      continue;
    }
    const std::array<std::string_view, 1> pieces{batches_[next_].bytes};
    std::size_t sent = 0;
    const net::WriteLimits limits{kStall, {Deadline{}, &closing_}};
    const net::WriteEnd end = co_await net::write_rest(loop_, *socket, pieces, sent, limits);
    if (end != net::WriteEnd::done) {
      co_return broken(end == net::WriteEnd::stalled ? "the target takes nothing" : "the connection broke");
    }
    ++next_;
    confirm(*socket);
  }
  socket->shutdown_write();
  co_return Unit{};
}

// One message after the other; what is sent is gone. A record that no datagram can hold is dropped.
net::Task<Result<Unit>> Copy::send_datagrams() {
  renew_ = false;
  Result<SocketAddress> address = co_await find();
  if (!address) co_return std::move(address).error();
  Result<net::DatagramSocket> socket = net::DatagramSocket::open(*address);
  if (!socket) co_return std::move(socket).error();
  const Deadline renewal = Deadline::in(loop_.now(), kRenew);
  std::string message;
  while (!renew_ && !renewal.reached(loop_.now())) {
    const std::string lines = take_lines();
    if (lines.empty() && done()) break;
    for (std::string_view rest = lines; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      message.clear();
      append_syslog(message, rest.substr(0, end), origin_);
      const net::DatagramSocket::Sent sent = socket->send(message);
      if (sent == net::DatagramSocket::Sent::blocked) {
        const net::Wake wake = co_await net::Pause{loop_, {Deadline::in(loop_.now(), kTick), &closing_}};
        if (wake != net::Wake::cancelled) continue;
      }
      if (sent == net::DatagramSocket::Sent::refused) say(std::string{kNobody});
      let_go({.bytes = {}, .lines = 1, .held = end + 1}, sent == net::DatagramSocket::Sent::done);
      rest.remove_prefix(end + 1);
    }
    const net::Wake wake = co_await net::Pause{loop_, {Deadline::in(loop_.now(), kTick), &closing_}};
    if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
    if (socket->take_refusal()) {
      say(std::string{kNobody});
    } else if (!lines.empty()) {
      say({});  // not before: that nobody is there is heard a moment after sending
    }
  }
  co_return Unit{};
}

net::Task<void> Copy::run() {
  Duration pause = kFirstPause;
  while (!closing_.fired() && !done()) {
    const bool datagrams = rules_.to.way == config::AuditCopy::Way::datagrams;
    const std::uint64_t before = sent_;
    net::Task<Result<Unit>> sending = datagrams ? send_datagrams() : send_stream();
    Result<Unit> ended = co_await sending;
    if (ended) continue;
    if (closing_.fired()) break;
    say(ended.error().detail);
    if (sent_ != before) pause = kFirstPause;  // it has worked
    if (finishing_.is_set()) break;
    const auto jitter = static_cast<Duration::rep>(thread_random().next() % static_cast<std::uint64_t>(pause.count()));
    const Deadline end = Deadline::in(loop_.now(), pause / 2 + Duration{jitter} / 2);
    (void)co_await finishing_.wait(loop_, {end, &closing_});
    pause = std::min(pause * 2, kLongestPause);
  }
  for (const Batch& batch : batches_) let_go(batch, false);
  batches_.clear();
  const std::string left = take_lines();
  if (!left.empty()) let_go({.bytes = {}, .lines = lines_in(left), .held = left.size()}, false);
}

}  // namespace intragate::audit
