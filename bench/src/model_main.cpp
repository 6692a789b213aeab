// bench_model [--listen 127.0.0.1:0] [--events 100] [--interval-us 10000]: see model_server.h.
#include <cstdio>
#include <cstdlib>

#include "model_server.h"
#include "options.h"
#include "sockets.h"

int main(int count, char** words) {
  using namespace intragate::bench;
  Options options(count - 1, words + 1);
  const auto address = parse_address(options.text("--listen", "127.0.0.1:0"));
  ModelPlan plan;
  plan.events = options.number("--events", plan.events);
  plan.interval = options.number("--interval-us", plan.interval / 1000) * 1000;
  if (!address || options.unread()) {
    std::fprintf(stderr, "usage: bench_model [--listen ADDRESS:PORT] [--events N] [--interval-us T]\n");
    return EXIT_FAILURE;
  }
  raise_file_limit();
  const int listener = listen_on(*address);
  if (listener < 0) {
    std::perror("bench_model: cannot listen");
    return EXIT_FAILURE;
  }
  std::printf("listening on %s:%u\n", address->host.c_str(), static_cast<unsigned>(port_of(listener)));
  std::fflush(stdout);
  ModelServer(listener, plan).run();
}
