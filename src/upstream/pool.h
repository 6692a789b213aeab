// One loop's connections to the endpoints: kept alive between calls, opened when none is idle, checked against egress
// at connect on the resolved address. Owner: the loop's Worker. Thread: that loop; the counters may be read from any.
// Does not: choose endpoints, retry, send requests.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "net/http_client.h"
#include "upstream/endpoint.h"

namespace intragate::upstream {

class Pool;

// A connection on loan. Dies closed, unless keep() said that it can serve another call.
class Connection {
 public:
  Connection() = default;
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection() { give_back(); }

  [[nodiscard]] bool open() const { return client_ != nullptr; }
  [[nodiscard]] net::HttpClient& client() { return *client_; }
  // Taken from the pool, not newly opened: its death before an answer says nothing about the endpoint.
  [[nodiscard]] bool reused() const { return reused_; }
  // The answer was read to its end and the peer keeps the connection.
  void keep() { keep_ = true; }
  [[nodiscard]] bool kept() const { return keep_; }
  // Closes it now; the model learns at once that nobody wants the answer.
  void drop() {
    keep_ = false;
    give_back();
  }

 private:
  friend class Pool;
  Connection(Pool& pool, std::shared_ptr<Endpoint> endpoint, std::unique_ptr<net::HttpClient> client, bool reused);
  void give_back() noexcept;

  Pool* pool_ = nullptr;
  std::shared_ptr<Endpoint> endpoint_;
  std::unique_ptr<net::HttpClient> client_;
  bool reused_ = false;
  bool keep_ = false;
};

class Pool {
 public:
  explicit Pool(net::Loop& loop) : loop_{loop} {}

  // A new connection to the endpoint. Errors: upstream_unreachable, upstream_timeout, egress_denied, client_gone.
  [[nodiscard]] net::Task<Result<Connection>> connect(std::shared_ptr<Endpoint> endpoint, const AddressList& egress,
                                                      net::Until until);

  // An idle connection, if there is one; no waiting.
  [[nodiscard]] Connection take_idle(const std::shared_ptr<Endpoint>& endpoint);

  // Connections made until now serve no further call: where models may be has changed.
  void renew();

  // Closes connections that were idle too long, and those of endpoints that no snapshot holds any more. Once a
  // second.
  void sweep();

 private:
  friend class Connection;
  struct Idle {
    std::unique_ptr<net::HttpClient> client;
    TimePoint since;
  };
  struct Shelf {
    std::weak_ptr<Endpoint> endpoint;
    std::vector<Idle> idle{};            // newest last
    std::optional<IpAddress> avoided{};  // an address that did not answer: the others are tried first
  };
  std::unique_ptr<net::HttpClient> find_idle(Endpoint& endpoint);
  [[nodiscard]] bool worn(const net::HttpClient& client) const;
  Shelf& shelf_of(const std::shared_ptr<Endpoint>& endpoint);
  net::Task<Result<net::Socket>> open(std::shared_ptr<Endpoint> endpoint, const AddressList& egress, net::Until until);
  void give_back(const std::shared_ptr<Endpoint>& endpoint, std::unique_ptr<net::HttpClient> client,
                 bool keep) noexcept;

  net::Loop& loop_;
  std::map<Endpoint*, Shelf> shelves_;
  TimePoint renewed_{};  // connections that are older serve no further call
};

}  // namespace intragate::upstream
