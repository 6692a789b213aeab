// The audit record: what is kept of every call, whatever its end. Field names and order are those of docs/audit.md.
// Owner: the settle station fills one, the lane formats it. Does not: decide what is kept of prompts and answers
// (`content` comes ready).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/time.h"
#include "llm/usage.h"

namespace intragate::audit {

// Times are nanoseconds; -1: did not happen. Views are copied by Writer::append before it returns.
struct Record {
  WallTime time{};  // when the call began
  std::string_view request_id;
  std::string_view principal;  // the key's name; empty: unknown
  std::string_view key_id;     // first 12 hex digits of the key's hash
  std::string_view end_user;
  IpAddress address;  // the client's, behind trusted proxies
  std::string_view certificate;
  std::string_view api;  // chat, completions, …; empty: none recognised
  std::string_view model;
  std::string_view endpoint;  // its URL as configured
  std::uint32_t attempts = 0;
  std::string_view continued_from;  // URLs of endpoints whose answer broke off and went on elsewhere, by spaces
  int status = 0;
  std::string_view outcome;
  std::string_view error;  // the code's name; empty: none
  llm::Usage usage;
  Duration queue{};
  Duration first_byte{-1};  // from the beginning to the first byte of the model's answer
  Duration total{};
  std::uint64_t bytes_in = 0;        // body
  std::uint64_t bytes_out = 0;       // body
  std::string_view content;          // one JSON object; empty: null
  std::string_view content_rules{};  // what they found, a JSON array; empty: nothing
};

// What an administrator, a signal or the gateway itself did: it stands in the same chain as the calls.
struct Event {
  std::string_view name;            // start, stop, reload, calls.cancel, …: docs/audit.md has the list
  std::string_view actor;           // who: admin (the token), signal, file, gateway, the name of a certificate
  IpAddress address{};              // of who asked through the admin side; else unspecified
  std::string_view certificate{};   // its subject
  std::string_view outcome = "ok";  // or refused, error
  std::string_view error{};         // the code's name
  std::string_view detail{};        // one JSON object (json::Writer) of at most kLongestDetail bytes; empty: none
};
inline constexpr std::size_t kLongestDetail = std::size_t{16} * 1024;

// A line is made in three parts: its number and its end (chain.h) are known only when all lanes' records come together,
// what is between is formatted by whoever has it. Texts longer than 512 bytes are cut, so that a line stays below
// 48 KiB whatever a client sent.
void append_seq(std::string& out, std::uint64_t seq);        // {"seq":17
void append_fields(std::string& out, const Record& record);  // ,"time":…,"content":null
// A record of its own with `event` and `detail`; the fields that only calls have are empty or 0.
void append_fields(std::string& out, WallTime time, const Event& event);
// The name of the event that a line records; empty: it records a call, or is no record.
[[nodiscard]] std::string_view event_name(std::string_view line);

}  // namespace intragate::audit
