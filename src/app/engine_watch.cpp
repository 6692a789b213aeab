#include "app/engine_watch.h"

#include "dialect/engine_load.h"
#include "net/loop.h"
#include "upstream/probe.h"

namespace intragate::app {
namespace {

constexpr Duration kTick = std::chrono::seconds{1};
constexpr Duration kRound = std::chrono::seconds{5};
constexpr Duration kMuteRound = std::chrono::minutes{1};  // for engines that say nothing
constexpr Duration kPatience = std::chrono::seconds{2};
constexpr double kCacheFull = 0.95;

// Both pages stand beside the API, not in it.
std::string beside_the_api(std::string path, std::string_view page) {
  constexpr std::string_view kApi = "/v1";
  if (path.ends_with(kApi)) path.resize(path.size() - kApi.size());
  return path.append(page);
}

}  // namespace

net::Task<void> EngineWatch::run() {
  net::Loop& loop = worker_.loop();
  while (!ended_.fired()) {
    const std::shared_ptr<const pipeline::Snapshot> snapshot = worker_.snapshot();
    std::map<std::string, TimePoint> next;  // of endpoints that are still there
    for (const pipeline::Site& site : snapshot->sites) {
      if (!site.capacity->automatic() || ended_.fired()) continue;
      if (site.endpoint->speaks_grpc()) continue;  // that port has no pages
      TimePoint& due = next[site.endpoint->id()];
      due = next_[site.endpoint->id()];
      if (loop.now() < due || !site.endpoint->health().usable(loop.now())) continue;
      const bool spoke = co_await look(site, snapshot->config->egress);
      due = loop.now() + (spoke ? kRound : kMuteRound);
    }
    next_ = std::move(next);
    (void)co_await net::Pause{loop, {Deadline::in(loop.now(), kTick), &ended_}};
  }
}

net::Task<bool> EngineWatch::look(pipeline::Site site, AddressList egress) {
  net::Loop& loop = worker_.loop();
  const std::string& path = site.endpoint->configured().path;
  const std::string metrics = beside_the_api(path, "/metrics");
  const std::string props = beside_the_api(path, "/props");
  pipeline::EngineHint hint;
  const net::Until first{Deadline::in(loop.now(), kPatience), &ended_};
  Result<std::string> page = co_await upstream::ask_page(worker_.pool(), site.endpoint, metrics, egress, first);
  const std::optional<dialect::EngineLoad> load = page ? dialect::read_engine_load(*page) : std::nullopt;
  hint.strained = load && (load->waiting > 0 || load->cache_used > kCacheFull);
  const net::Until second{Deadline::in(loop.now(), kPatience), &ended_};
  page = co_await upstream::ask_page(worker_.pool(), site.endpoint, props, egress, second);
  const std::optional<std::uint32_t> slots = page ? dialect::read_total_slots(*page) : std::nullopt;
  hint.slots = slots.value_or(0);
  site.capacity->take(hint);
  co_return load || slots;
}

}  // namespace intragate::app
