// What an authority has signed, as a text that people can read and diff: one certificate a line, its fields between
// tabs, `-` for an empty one. Plain values in and out. Owner: the caller. Thread: any. Does not: touch files
// (app/pki_folder.h), know certificates (net/authority.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/authority.h"

namespace intragate::app {

struct PkiEntry {
  std::string serial;
  std::string name;
  net::Purpose purpose = net::Purpose::server;
  net::KeyType key = net::KeyType::ec;
  WallTime issued;
  WallTime expires;
  std::optional<WallTime> revoked;
  net::RevocationReason reason = net::RevocationReason::unspecified;
  bool current = true;             // its files are those under issued/; false: a later one has taken their place
  std::vector<std::string> names;  // DNS:…, IP:…, URI:…
};

struct PkiIndex {
  std::uint64_t list_number = 0;  // of the last list of revoked certificates
  std::vector<PkiEntry> entries;  // in the order they were issued

  // The certificate in use under this name, revoked or not.
  [[nodiscard]] PkiEntry* current(std::string_view name);
};

[[nodiscard]] std::string_view purpose_name(net::Purpose purpose);
[[nodiscard]] std::string_view reason_name(net::RevocationReason reason);
[[nodiscard]] std::string rfc3339_seconds(WallTime at);
// Letters, digits, dot, hyphen and underline, at most 64, not beginning with a dot or a hyphen: what is safe as the
// name of a file and as an argument.
[[nodiscard]] bool is_pki_name(std::string_view name);

[[nodiscard]] std::string index_text(const PkiIndex& index);
// Strict: a line that cannot be read is an error that names it, for a certificate that is forgotten can never be
// revoked. Errors: io.
[[nodiscard]] Result<PkiIndex> parse_index(std::string_view text);

}  // namespace intragate::app
