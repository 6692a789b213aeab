// Who is calling when proxies stand in between. Pure function. Thread: any. Does not: read sockets or PROXY headers
// (their result is the peer). Rule: what a trusted proxy wrote counts, so the right-most address that no trusted proxy
// has is the client; whatever stands further left is hearsay.
#pragma once

#include <span>
#include <string_view>

#include "base/address.h"

namespace intragate::auth {

// `forwarded`: the values of all X-Forwarded-For lines in the order of the head. An entry that is no address
// (`unknown`, a name, too long) ends the search: the last trusted hop before it is then the client. At most 64 entries
// are looked at. Entries may carry a port: `10.0.0.1:4711`, `[2001:db8::1]:4711`.
[[nodiscard]] IpAddress client_address(const IpAddress& peer, std::span<const std::string_view> forwarded,
                                       const AddressList& trusted_proxies);

}  // namespace intragate::auth
