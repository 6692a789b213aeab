#include "metrics/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace intragate::metrics {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void publish_memory(Shard& shard) {
  std::ifstream statm{"/proc/self/statm"};  // pages: total, resident, …
  double total = 0;
  double resident = 0;
  if (statm >> total >> resident) {
    shard.gauge(Metric::process_memory).set(resident * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  }
}

void publish_descriptors(Shard& shard) {
  std::error_code problem;
  const std::filesystem::directory_iterator open{"/proc/self/fd", problem};
  if (!problem) {
    const auto count = std::distance(begin(open), end(open));
    shard.gauge(Metric::process_open_fds).set(static_cast<double>(count - 1));  // without the one that lists them
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    shard.gauge(Metric::process_max_fds).set(static_cast<double>(limit.rlim_cur));
  }
}

// Boot time plus the start in ticks after boot: proc(5), /proc/[pid]/stat field 22. The name (field 2) may hold
// anything, so counting begins behind its closing bracket.
double start_time() {
  std::ifstream stat{"/proc/self/stat"};
  const std::string line{std::istreambuf_iterator<char>{stat}, {}};
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields{line.substr(name_end + 1)};
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;

  std::ifstream system{"/proc/stat"};
  std::string key;
  double boot = 0;
  while (system >> key) {
    if (key == "btime") {
      system >> boot;
      break;
    }
    system.ignore(1 << 20, '\n');
  }
  return boot + std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void publish_process(Shard& shard) {
  static const double started = start_time();
  publish_memory(shard);
  publish_descriptors(shard);
  shard.gauge(Metric::process_start).set(started);
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    shard.counter(Metric::process_cpu).set_total(seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
}

}  // namespace intragate::metrics
