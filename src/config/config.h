// The configuration as typed data, every default beside its field. Immutable once loaded; reload makes a new one.
// Owner: the snapshot (shared_ptr<const Config>). Thread: any. Does not: read files (config/load.h), open anything.
// Names, meanings and defaults are documented from here: docs/configuration.md is checked against this file's keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "config/audit.h"
#include "config/content_rule.h"
#include "config/dialects.h"
#include "config/health.h"
#include "config/key.h"
#include "config/secret.h"
#include "config/tls.h"

namespace intragate::config {

using namespace std::chrono_literals;
using Bytes = std::uint64_t;
inline constexpr Bytes kKiB = 1024;
inline constexpr Bytes kMiB = 1024 * kKiB;

struct ListenTimeouts {
  Duration head = 10s;   // from the first byte of a request to the end of its head
  Duration body = 30s;   // the longest pause between two reads of a body
  Duration idle = 75s;   // a kept connection without a request
  Duration write = 60s;  // a client that takes nothing
  friend bool operator==(const ListenTimeouts&, const ListenTimeouts&) = default;
};

struct Listen {
  SocketAddress address{IpAddress::v4({127, 0, 0, 1}), 8080};
  AddressList allow = AddressList::private_ranges();  // refused before anything is read
  AddressList trusted_proxies;                        // whose X-Forwarded-For and PROXY header count
  std::uint32_t max_connections = 10'000;
  Bytes max_head = 32 * kKiB;     // 1 KiB … 1 MiB
  Bytes max_body = 32 * kMiB;     // 1 KiB … 4 GiB; held in memory
  Bytes max_upload = 512 * kMiB;  // 1 KiB … 64 GiB; of a recording, which is passed on while it comes
  ListenTimeouts timeouts;
  std::optional<ListenTls> tls;
  friend bool operator==(const Listen&, const Listen&) = default;
};

struct Admin {
  SocketAddress address{IpAddress::v4({127, 0, 0, 1}), 8081};
  bool address_is_default = true;  // then a taken port makes way for a free one
  AddressList allow = AddressList::private_ranges();
  Secret token;  // empty: none asked (the address should then be loopback)
  std::optional<ListenTls> tls;
  std::vector<CertificateRule> certificates;  // of administrators: as good as the token
  friend bool operator==(const Admin&, const Admin&) = default;
};

enum class AuthType : std::uint8_t { none, bearer, basic, header };
struct EndpointAuth {
  AuthType type = AuthType::none;
  std::string header;      // header: its name
  Secret key;              // bearer and header: the value; basic: "user:password"
  bool from_file = false;  // the key came from a file of its own, which may change
  friend bool operator==(const EndpointAuth&, const EndpointAuth&) = default;
};

inline constexpr std::uint32_t kAutoConcurrency = UINT32_MAX;  // `max_concurrency: auto`: found while it works

// Where a model answers. `url` is split at load.
struct Endpoint {
  std::string url;   // as written, for people
  std::string host;  // a name or an address without brackets
  std::uint16_t port = 80;
  std::string host_header;  // host[:port] as the Host header wants it
  std::string path;  // prefix of the API, always ending in /v1 unless the URL has another path; no trailing slash
  std::string dialect = "openai";
  std::string model;  // the name the endpoint knows; empty: the same as ours
  EndpointAuth auth;
  std::optional<EndpointTls> tls;     // https
  std::uint32_t weight = 1;           // 1 … 1000
  bool ask_usage = true;              // add stream_options.include_usage when the client did not
  std::uint32_t max_concurrency = 0;  // calls at once, 1 … 100,000, or kAutoConcurrency; 0: not limited
  std::string zone;                   // where it stands; empty: nowhere in particular
  std::string keep_alive;             // ollama: how long the model stays loaded, "30m"; empty: the server's own
  Triton triton;
  Template custom;  // template
  TokenizerFile tokenizer;
  ToolCalls tool_calls = ToolCalls::automatic;
  std::string chat_template;  // the name of a built-in, or a template's source, or a tokenizer_config.json's text
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct ModelTimeouts {
  Duration connect = 2s;
  Duration first_byte = 25s;
  Duration between_chunks = 30s;
  Duration total = 10min;
  friend bool operator==(const ModelTimeouts&, const ModelTimeouts&) = default;
};

struct RetryPolicy {
  std::uint32_t attempts = 3;         // in all, 1 … 10
  Duration backoff = 200ms;           // full jitter: 0 … backoff·2ⁿ
  Duration max_backoff = 5s;          // also the longest Retry-After of a model that is honoured by waiting
  std::uint32_t budget_percent = 20;  // retries per calls of the last 10 s; at least 3 are always allowed
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// A second endpoint beside one that is late with its first byte.
struct Hedge {
  bool on = false;
  Duration after{};                  // zero: later than 95 % of the model's recent answers
  std::uint32_t budget_percent = 5;  // hedges per calls of the last 10 s; at least 3 are always allowed
  friend bool operator==(const Hedge&, const Hedge&) = default;
};

// The wait for a slot; it begins when all `max_concurrency` of a model are in use.
struct Queue {
  std::uint32_t size = 256;       // calls that may wait
  std::uint32_t user_share = 25;  // percent of `size` that one end user may fill
  Duration max_wait = 60s;
  Duration heartbeat = 10s;  // comments to a stream that waits
  friend bool operator==(const Queue&, const Queue&) = default;
};

enum class Balance : std::uint8_t { least_busy, round_robin, session };

struct Model {
  std::string name;  // "*": every model that its endpoints list
  std::vector<std::string> aliases;
  std::string kind;                     // chat | completion | embedding | rerank | transcription | speech; empty: any
  std::uint64_t context_window = 0;     // 0: unknown
  std::uint64_t max_answer_tokens = 0;  // of a stream, which then ends with finish_reason "length"; 0: not bounded
  bool fit_max_tokens = false;          // lower what a client asks for to what is left of context_window
  bool repair = true;                   // mend what clients would reject or misread
  std::vector<std::string> repair_except;  // but not this: dialect::openai::repair_name()
  Reasoning reasoning = Reasoning::as_it_is;
  std::vector<Endpoint> endpoints;
  AddressList allow = AddressList::any();  // from where it may be used
  Balance balance = Balance::least_busy;
  RerankScores rerank_scores = RerankScores::automatic;
  ModelTimeouts timeouts;
  RetryPolicy retry;
  Hedge hedge;
  bool continue_on_failure = false;  // an answer that breaks off goes on at another endpoint
  Health health;
  Queue queue;
  std::uint32_t batch_items = 0;   // embeddings that one request to the model may ask for; 0: any number
  Bytes stream_buffer = 4 * kKiB;  // held for a slow client before the model is paused
  // For messages: the key that raises a limit, or its variable in the .env quick start (MODEL_REQUEST_TIMEOUT).
  std::string first_byte_key = "timeouts.first_byte";
  std::string timeouts_key = "timeouts";  // before .connect, .between_chunks, .total
  friend bool operator==(const Model&, const Model&) = default;
};

// One line of `limits:`: of those for users, keys, addresses and models the first that matches a call applies.
struct Limit {
  enum class Per : std::uint8_t { user, key, address, model } per = Per::user;
  enum class Priority : std::uint8_t { interactive, batch };
  std::string name;               // only this one; empty: each
  std::uint32_t concurrency = 0;  // here and below: 0 is not limited
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
  std::uint64_t tokens_per_day = 0;
  std::uint64_t tokens_per_month = 0;
  std::optional<std::uint32_t> weight;  // users and keys: the share of slots, 1 … 1000
  std::optional<Priority> priority;
  friend bool operator==(const Limit&, const Limit&) = default;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct Config {
  std::string source;  // the file, or "environment"
  std::vector<Listen> listen;
  Admin admin;
  std::string data_dir = "./data";
  AddressList egress = AddressList::private_ranges();  // where models may be
  std::string zone;  // where the gateway stands: endpoints of the same zone are preferred
  std::vector<Model> models;
  std::vector<Key> keys;
  KeyPolicy key_policy;
  WrongKeys wrong_keys;
  std::vector<Limit> limits;
  std::vector<ContentRule> content_rules;
  Audit audit;
  Duration drain = 30s;
  std::uint32_t workers = 0;        // loops; 0: one per core
  Bytes memory_limit = 512 * kMiB;  // of request bodies and buffers together, 1 MiB … 1 TiB
  LogLevel log_level = LogLevel::info;
  bool make_key = false;           // quick start without INTRAGATE_API_KEY: generate one, print it once, keep it
  std::vector<std::string> files;  // that values came from: a change of one is a change of the configuration
  // Said by `validate` and at start, with their place: keys that this version does not act on yet, other remarks.
  std::vector<std::string> warnings;
  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace intragate::config
