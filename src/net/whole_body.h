// The whole body of an answer that is no call's: a list of models, an engine's page, what a gateway's admin side says.
// Thread: one loop. Does not: connect, send, understand anything.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "net/body_decoder.h"
#include "net/http_client.h"
#include "net/task.h"

namespace intragate::net {

// Reads on after drop_head(), to the end of the body. Errors: upstream_malformed, also for more than `most` bytes;
// upstream_broke; upstream_timeout, when it is not there at `until`.
[[nodiscard]] Task<Result<std::string>> read_whole_body(HttpClient& client, BodyDecoder decoder, std::size_t most,
                                                        Until until);

}  // namespace intragate::net
