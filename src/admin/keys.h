// What can be asked about the keys of the store, as the admin API says it: GET /keys, POST /keys/create, /keys/rotate,
// /keys/revoke, /keys/expire (docs/keys.md). `intragate keys` speaks the same words when no gateway runs.
// Owner: none, pure functions. Thread: any. Does not: answer (app/key_office.h does).
// Errors: invalid_request, with a sentence for the administrator that holds no secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace intragate::admin {

struct KeyRequest {
  enum class Verb : std::uint8_t { list, create, rotate, revoke, expire };
  Verb verb = Verb::list;
  std::string name;  // list: only this one; empty: all
  // create:
  std::vector<std::string> models{"*"};
  std::vector<std::string> apis{"*"};
  std::vector<std::string> allow{"any"};  // CIDR, or `any` or `private` alone
  bool trust_user = false;
  std::string stream_usage = "asked";
  std::string while_waiting = "comments";
  std::optional<WallTime> at;               // create: when it expires; expire: the same, now if left out
  Duration grace = std::chrono::hours{24};  // rotate: how long the old secret goes on working
};
struct KeyAnswer {
  int status = 200;
  std::string body;    // JSON with a line end
  std::string detail;  // one JSON object without the secret, for the record
  [[nodiscard]] bool ok() const { return status == 200; }
};

// "create" and so on, as in the URL behind /keys/ and in records.
[[nodiscard]] std::string_view verb_name(KeyRequest::Verb verb);
// The verb of `/keys` (list) or `/keys/VERB`; nothing: another path.
[[nodiscard]] std::optional<KeyRequest::Verb> key_verb_of(std::string_view path);

// What follows the `?` of GET /keys: nothing, or name=….
[[nodiscard]] Result<KeyRequest> read_key_query(std::string_view query);

// The body of a POST. Unknown members, and those of another verb, are refused. Times are moments in UTC or a duration
// from `now` on.
[[nodiscard]] Result<KeyRequest> read_key_body(KeyRequest::Verb verb, std::string_view body, WallTime now);

// {"error":{"message":…}}
[[nodiscard]] KeyAnswer key_refusal(int status, std::string_view message);

}  // namespace intragate::admin
