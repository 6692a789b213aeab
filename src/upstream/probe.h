// Asks an endpoint for its list of models, which is how names are discovered and how an endpoint that cools down is
// looked after, or for another page. Thread: one loop. Does not: understand the answer (a dialect does), decide when.
#pragma once

#include <memory>
#include <string>

#include "net/task.h"
#include "upstream/pool.h"

namespace intragate::upstream {

// The body of a page of the endpoint's server, at most 4 MiB; `path` begins at its root. Errors: as Pool::connect;
// upstream_status for anything but 200; upstream_malformed.
[[nodiscard]] net::Task<Result<std::string>> ask_page(Pool& pool, std::shared_ptr<Endpoint> endpoint, std::string path,
                                                      AddressList egress, net::Until until);

}  // namespace intragate::upstream
