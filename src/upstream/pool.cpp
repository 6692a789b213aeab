#include "upstream/pool.h"

#include <algorithm>
#include <utility>

#include "net/loop.h"
#include "net/resolver.h"

namespace intragate::upstream {
namespace {

constexpr Duration kIdleLimit = std::chrono::seconds{50};  // below the 60-75 s after which model servers hang up
constexpr Duration kOldest = std::chrono::minutes{5};      // then the name is looked up again
constexpr std::size_t kIdleMost = 512;                     // per endpoint and loop

}  // namespace

Connection::Connection(Pool& pool, std::shared_ptr<Endpoint> endpoint, std::unique_ptr<net::HttpClient> client,
                       bool reused)
    : pool_{&pool}, endpoint_{std::move(endpoint)}, client_{std::move(client)}, reused_{reused} {}

Connection& Connection::operator=(Connection&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  pool_ = other.pool_;
  endpoint_ = std::move(other.endpoint_);
  client_ = std::move(other.client_);
  reused_ = other.reused_;
  keep_ = std::exchange(other.keep_, false);
  return *this;
}

void Connection::give_back() noexcept {
  if (client_ == nullptr) return;
  pool_->give_back(endpoint_, std::move(client_), std::exchange(keep_, false));
}

Connection Pool::take_idle(const std::shared_ptr<Endpoint>& endpoint) {
  std::unique_ptr<net::HttpClient> client = find_idle(*endpoint);
  if (client == nullptr) return {};
  return Connection{*this, endpoint, std::move(client), true};
}

net::Task<Result<Connection>> Pool::connect(std::shared_ptr<Endpoint> endpoint, const AddressList& egress,
                                            net::Until until) {
  Result<net::Socket> socket = co_await open(endpoint, egress, until);
  if (!socket) co_return std::move(socket).error();
  if (endpoint->configured().tls) {
    if (endpoint->tls() == nullptr) co_return make_error(Code::upstream_unreachable, {}).because("TLS: unusable rules");
    Result<Unit> secured = co_await net::secure(loop_, *socket, endpoint->tls(), std::string{}, until);
    if (!secured) co_return std::move(secured).error();
  }
  const net::Speech speech = endpoint->speaks_grpc() ? net::Speech::grpc : net::Speech::http_1_1;
  auto client = std::make_unique<net::HttpClient>(loop_, std::move(*socket), speech);
  co_return Connection{*this, std::move(endpoint), std::move(client), false};
}

std::unique_ptr<net::HttpClient> Pool::find_idle(Endpoint& endpoint) {
  const auto shelf = shelves_.find(&endpoint);
  if (shelf == shelves_.end() || shelf->second.endpoint.expired()) return nullptr;
  std::vector<Idle>& idle = shelf->second.idle;
  while (!idle.empty()) {
    std::unique_ptr<net::HttpClient> client = std::move(idle.back().client);
    const bool too_old = loop_.now() - idle.back().since > kIdleLimit;
    idle.pop_back();
    endpoint.idle_connections.fetch_sub(1, std::memory_order_relaxed);
    if (!too_old && !client->stale()) return client;
  }
  return nullptr;
}

Pool::Shelf& Pool::shelf_of(const std::shared_ptr<Endpoint>& endpoint) {
  Shelf& shelf = shelves_[endpoint.get()];
  if (shelf.endpoint.expired()) shelf = Shelf{.endpoint = endpoint};  // also when it stands where a dead one stood
  return shelf;
}

net::Task<Result<net::Socket>> Pool::open(std::shared_ptr<Endpoint> endpoint, const AddressList& egress,
                                          net::Until until) {
  const config::Endpoint& to = endpoint->configured();
  Result<std::vector<IpAddress>> resolved = co_await loop_.resolver().resolve(to.host, until);
  if (!resolved) co_return std::move(resolved).error();
  std::vector<IpAddress>& addresses = *resolved;
  Error last = make_error(Code::egress_denied, {})
                   .because(to.host + " resolves to " + addresses.front().text() + ", which egress does not allow");
  std::erase_if(addresses, [&egress](const IpAddress& address) { return !egress.contains(address); });
  const std::optional<IpAddress> avoided = shelf_of(endpoint).avoided;
  std::stable_partition(addresses.begin(), addresses.end(), [&](const IpAddress& a) { return a != avoided; });
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // A dead address must leave time for the living ones.
    const auto left = static_cast<std::int64_t>(addresses.size() - i);
    const Deadline share =
        until.deadline.never() ? Deadline{} : Deadline{loop_.now() + (until.deadline.at() - loop_.now()) / left};
    Result<net::Socket> socket = co_await net::connect(loop_, {addresses[i], to.port}, until.earlier(share));
    if (socket) co_return std::move(*socket);
    last = std::move(socket).error();
    if (last.code == Code::client_gone) break;
    if (addresses.size() > 1) shelf_of(endpoint).avoided = addresses[i];
  }
  co_return last;
}

void Pool::give_back(const std::shared_ptr<Endpoint>& endpoint, std::unique_ptr<net::HttpClient> client,
                     bool keep) noexcept {
  // Bytes behind the answer are nobody's: whoever came next would take them for his.
  if (!keep || !client->buffer().empty() || worn(*client)) return;
  client->reset();
  Shelf& shelf = shelf_of(endpoint);
  if (shelf.idle.size() >= kIdleMost) return;
  shelf.idle.push_back({std::move(client), loop_.now()});
  endpoint->idle_connections.fetch_add(1, std::memory_order_relaxed);
}

// So old that its address may no longer be the endpoint's, or from before a change of egress.
bool Pool::worn(const net::HttpClient& client) const {
  return client.opened() <= renewed_ || loop_.now() - client.opened() > kOldest;
}

void Pool::renew() {
  renewed_ = loop_.now();
  sweep();
}

void Pool::sweep() {
  const TimePoint now = loop_.now();
  for (auto it = shelves_.begin(); it != shelves_.end();) {
    std::vector<Idle>& idle = it->second.idle;
    const std::size_t before = idle.size();
    const std::shared_ptr<Endpoint> endpoint = it->second.endpoint.lock();
    std::erase_if(idle, [&](Idle& entry) {
      return endpoint == nullptr || now - entry.since > kIdleLimit || worn(*entry.client) || entry.client->stale();
    });
    if (endpoint != nullptr) {
      endpoint->idle_connections.fetch_sub(static_cast<std::uint32_t>(before - idle.size()), std::memory_order_relaxed);
    }
    it = endpoint == nullptr ? shelves_.erase(it) : std::next(it);
  }
}

}  // namespace intragate::upstream
