#include "app/housekeeping.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "net/frame_pool.h"
#include "net/loop.h"
#include "net/wait.h"

namespace intragate::app {
namespace {

constexpr Duration kBeat = std::chrono::seconds{1};
// Bodies up to this size come from memory that is already there: mapping 400 KB anew for each call doubles its cost.
constexpr int kMapped = 1024 * 1024;          // bytes
constexpr int kKeptOnTop = 64 * 1024 * 1024;  // bytes; what is free beyond this goes back at once
constexpr std::size_t kCrowd = 64;            // connections; what fewer leave behind is not worth a look

}  // namespace

void prepare_memory() {
  ::mallopt(M_MMAP_THRESHOLD, kMapped);     // NOLINT(concurrency-mt-unsafe): there is one thread yet
  ::mallopt(M_TRIM_THRESHOLD, kKeptOnTop);  // NOLINT(concurrency-mt-unsafe)
}

net::Task<void> keep_house(pipeline::Worker& worker) {
  net::Loop& loop = worker.loop();
  std::size_t most = 0;  // connections since memory was given back last
  std::size_t before = 0;
  for (;;) {
    (void)co_await net::Pause{loop, {Deadline::in(loop.now(), kBeat), nullptr}};
    worker.pool().sweep();
    const std::size_t now = worker.connections();
    most = std::max(most, now);
    const bool still_leaving = now < std::exchange(before, now);
    if (most < kCrowd || now > most / 2 || still_leaving) continue;
    most = now;
    loop.buffers().shrink();
    net::PooledFrame::shrink_pool();
    ::malloc_trim(0);  // the allocator keeps what a crowd left behind until it is asked
  }
}

}  // namespace intragate::app
