#include "net/resolver.h"

#include <netdb.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "net/loop.h"
#include "net/sockaddr.h"

namespace intragate::net {
namespace {

constexpr Duration kFresh = std::chrono::seconds{5};
constexpr Duration kStandIn = std::chrono::minutes{5};
constexpr Duration kPatience = std::chrono::milliseconds{250};  // with a stand-in at hand
constexpr Duration kAfterFailure = std::chrono::seconds{1};     // before the same name is asked for again
constexpr std::size_t kNames = 1'000;

using Addresses = std::vector<IpAddress>;

}  // namespace

// Blocks for as long as the name service likes.
std::string Resolver::ask_system(const std::string& host, Addresses& addresses) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (failed != 0) return ::gai_strerror(failed);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    Sockaddr address;
    std::memcpy(address.data(), entry->ai_addr, entry->ai_addrlen);
    const IpAddress ip = address.address().ip;
    if (std::find(addresses.begin(), addresses.end(), ip) == addresses.end()) addresses.push_back(ip);
  }
  ::freeaddrinfo(found);
  return addresses.empty() ? "no address" : "";
}

// One question under way, shared with the thread that asks.
struct Resolver::Lookup {
  std::string host;
  LookUp look_up;
  ListHook waiters;  // the loop's alone

  std::mutex mutex;
  Resolver* resolver = nullptr;  // under the mutex; null: nobody wants to know any more

  Addresses addresses;  // written by the thread before it posts, read by the loop after
  std::string failure;
};

struct Resolver::Waiter : ListHook {
  Signal done;
};

Resolver::Resolver(Loop& loop, LookUp look_up) : loop_{loop}, look_up_{std::move(look_up)} {}

Resolver::~Resolver() {
  for (auto& [host, name] : names_) {
    if (name.pending == nullptr) continue;
    const std::lock_guard lock{name.pending->mutex};
    name.pending->resolver = nullptr;
  }
}

void Resolver::answer(const std::shared_ptr<Lookup>& lookup) {
  lookup->failure = lookup->look_up(lookup->host, lookup->addresses);
  const std::lock_guard lock{lookup->mutex};
  Resolver* const resolver = lookup->resolver;
  if (resolver == nullptr) return;
  resolver->loop_.post([resolver, lookup] { resolver->take_in(lookup); });
}

void Resolver::ask(const std::string& host, Name& name) {
  name.pending = std::make_shared<Lookup>();
  name.pending->host = host;
  name.pending->look_up = look_up_;
  name.pending->resolver = this;
  // Signals belong to the main thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread{[lookup = name.pending] { answer(lookup); }}.detach();
  } catch (const std::system_error& refused) {  // no more threads: like a name service that fails
    name.failure = refused.what();
    name.failed = loop_.now();
    name.pending = nullptr;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Resolver::take_in(const std::shared_ptr<Lookup>& lookup) {
  Name& name = names_[lookup->host];
  name.failure = lookup->failure;
  if (lookup->failure.empty()) {
    name.addresses = lookup->addresses;
    name.answered = loop_.now();
  } else {
    name.failed = loop_.now();
  }
  name.pending = nullptr;
  while (lookup->waiters.linked()) {
    auto& waiter = static_cast<Waiter&>(*lookup->waiters.next());
    waiter.unlink();
    waiter.done.set();
  }
}

Task<Result<std::vector<IpAddress>>> Resolver::resolve(std::string host, Until until) {
  Result<IpAddress> literal = IpAddress::parse(host);
  if (literal) co_return Addresses{*literal};
  if (names_.size() >= kNames && !names_.contains(host)) {
    std::erase_if(names_, [](const auto& entry) { return entry.second.pending == nullptr; });
  }
  // Not used behind the wait: an answered entry may have been erased when the caller goes on.
  Name& name = names_[host];
  const TimePoint now = loop_.now();
  const bool known = !name.addresses.empty();
  if (known && now - name.answered < kFresh) co_return name.addresses;
  if (name.pending == nullptr && (name.failure.empty() || now - name.failed >= kAfterFailure)) ask(host, name);

  Wake wake = Wake::ready;
  if (name.pending != nullptr) {
    const std::shared_ptr<Lookup> lookup = name.pending;
    const bool stands_in = known && now - name.answered < kStandIn;
    Waiter waiter;
    lookup->waiters.insert_before(waiter);
    wake = co_await waiter.done.wait(loop_, stands_in ? until.earlier(Deadline::in(now, kPatience)) : until);
  }
  if (wake == Wake::cancelled) co_return make_error(Code::client_gone, {});
  const Name& answer = names_[host];
  if (!answer.addresses.empty() && loop_.now() - answer.answered < kStandIn) co_return answer.addresses;
  if (wake == Wake::deadline) co_return make_error(Code::upstream_timeout, {}).because("name resolution timed out");
  co_return make_error(Code::upstream_unreachable, {}).because("name resolution: " + answer.failure);
}

}  // namespace intragate::net
