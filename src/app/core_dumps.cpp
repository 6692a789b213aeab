#include "app/core_dumps.h"

#include <sys/resource.h>

#include <cstdio>

namespace intragate::app {

void forbid_core_dumps() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (std::FILE* const filter = std::fopen("/proc/self/coredump_filter", "we")) {
    std::fputs("0", filter);
    static_cast<void>(std::fclose(filter));
  }
}

}  // namespace intragate::app
