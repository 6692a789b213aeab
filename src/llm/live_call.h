// A call that is under way as administrators see it, and how they say which ones they mean. Plain data: made by the
// loops (pipeline/calls.h), shown by the admin API.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace intragate::llm {

// What a call is waiting for.
enum class Phase : std::uint8_t {
  receiving,   // the client's body
  queued,      // a slot of the model
  connecting,  // a connection to the model
  first_byte,  // the model has the request and says nothing yet
  answering,   // the rest of an answer that is no stream
  streaming,   // events come
  retrying,    // an attempt failed: a pause before the next one
};

[[nodiscard]] constexpr std::string_view phase_name(Phase phase) {
  constexpr std::array<std::string_view, 7> kNames{"receiving", "queued",    "connecting", "first_byte",
                                                   "answering", "streaming", "retrying"};
  return kNames[static_cast<std::size_t>(phase)];
}

struct LiveCall {
  std::string id;  // the request id
  std::string key;
  std::string user;      // empty: none that the key is trusted to name
  std::string model;     // empty: not known yet
  std::string endpoint;  // URL as configured; empty: none was chosen yet
  Phase phase = Phase::receiving;
  Duration queue{};          // in the gateway, until a model first got the call
  Duration total{};          // since the call began
  std::uint64_t tokens = 0;  // of the answer, so far
};

// Which calls are meant; an empty field means any.
struct CallFilter {
  std::string id;
  std::string user;
  std::string key;
  std::string model;

  [[nodiscard]] bool fits(const LiveCall& call) const {
    const auto one = [](std::string_view wanted, std::string_view is) { return wanted.empty() || wanted == is; };
    return one(id, call.id) && one(user, call.user) && one(key, call.key) && one(model, call.model);
  }
};

}  // namespace intragate::llm
