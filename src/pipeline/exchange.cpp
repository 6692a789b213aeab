#include "pipeline/exchange.h"

#include "pipeline/worker.h"

namespace intragate::pipeline {

Exchange::Exchange(Worker& at, net::HttpConnection& from)
    : worker{at},
      connection{from},
      begun{at.loop().now()},
      wall{std::chrono::system_clock::now()},
      snapshot{at.snapshot()},
      reply{from} {}

}  // namespace intragate::pipeline
