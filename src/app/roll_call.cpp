#include "app/roll_call.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "net/loop.h"

namespace intragate::app {
namespace {

// Shared by the one who asks and the messages under way; only the asking loop changes it.
struct RollCall {
  llm::CallFilter filter;
  std::vector<llm::LiveCall> calls;
  std::size_t missing = 0;
  net::Signal all_here;

  void take(std::vector<llm::LiveCall> part) {
    std::move(part.begin(), part.end(), std::back_inserter(calls));
    if (--missing == 0) all_here.set();
  }
};

}  // namespace

net::Task<Result<std::vector<llm::LiveCall>>> ask_every_loop(std::vector<pipeline::Worker*> workers, CallsOfOne ask,
                                                             llm::CallFilter filter, net::Until until) {
  const auto roll = std::make_shared<RollCall>();
  roll->filter = std::move(filter);
  roll->missing = workers.size();
  net::Loop& home = workers.front()->loop();
  for (pipeline::Worker* worker : workers) {
    worker->loop().post(
        [roll, worker, ask, &home] { home.post([roll, part = ask(*worker, roll->filter)] { roll->take(part); }); });
  }
  const net::Wake wake = co_await roll->all_here.wait(home, until);
  if (wake != net::Wake::ready) co_return make_error(Code::internal, "The gateway's loops did not answer in time.");
  std::vector<llm::LiveCall> calls = std::move(roll->calls);
  std::sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.total > b.total; });
  co_return calls;
}

}  // namespace intragate::app
