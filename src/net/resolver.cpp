#include "net/resolver.h"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include "net/asio.h"

namespace intragate::net {
namespace {

using Tcp = boost::asio::ip::tcp;
constexpr Duration kFresh = std::chrono::seconds{5};
constexpr Duration kStandIn = std::chrono::minutes{5};
constexpr std::size_t kNames = 1'000;

IpAddress from_asio(const boost::asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_bytes());
  return IpAddress::v6(address.to_v6().to_bytes());
}

}  // namespace

struct Resolver::Asio {
  explicit Asio(boost::asio::io_context& context) : resolver{context} {}
  Tcp::resolver resolver;
};

struct Resolver::Question {
  Signal done;
  std::vector<IpAddress> addresses;
  std::string failure;
};

Resolver::Resolver(Loop& loop) : loop_{loop}, asio_{std::make_unique<Asio>(loop.asio_->context)} {}
Resolver::~Resolver() = default;

void Resolver::ask(const std::string& host, const std::shared_ptr<Question>& question) {
  asio_->resolver.async_resolve(
      host, "",
      [this, host, question](const boost::system::error_code& failed, const Tcp::resolver::results_type& found) {
        if (failed == boost::asio::error::operation_aborted) return;
        loop_.fresh_now();
        for (const auto& entry : found) {
          const IpAddress address = from_asio(entry.endpoint().address());
          if (std::find(question->addresses.begin(), question->addresses.end(), address) == question->addresses.end()) {
            question->addresses.push_back(address);
          }
        }
        if (failed || question->addresses.empty()) {
          question->failure = failed ? failed.message() : "no address";
        } else {
          if (known_.size() >= kNames) known_.clear();
          known_[host] = {question->addresses, loop_.now()};
        }
        question->done.set();
        loop_.woken();
      });
}

Task<Result<std::vector<IpAddress>>> Resolver::resolve(std::string host, Until until) {
  Result<IpAddress> literal = IpAddress::parse(host);
  if (literal) co_return std::vector<IpAddress>{*literal};
  const auto known = known_.find(host);
  if (known != known_.end() && loop_.now() - known->second.at < kFresh) co_return known->second.addresses;

  auto question = std::make_shared<Question>();
  ask(host, question);
  const Wake wake = co_await question->done.wait(loop_, until);
  if (wake == Wake::cancelled) co_return make_error(Code::client_gone, {});
  if (wake == Wake::ready && question->failure.empty()) co_return question->addresses;
  const auto old = known_.find(host);
  if (old != known_.end() && loop_.now() - old->second.at < kStandIn) co_return old->second.addresses;
  if (wake == Wake::deadline) co_return make_error(Code::upstream_timeout, {}).because("name resolution timed out");
  co_return make_error(Code::upstream_unreachable, {}).because("name resolution: " + question->failure);
}

}  // namespace intragate::net
