// What goes into a scheduler and what comes out: claims, places, grants, refusals. Plain data.
// Owner: whoever holds it. Thread: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "qos/subject.h"

namespace intragate::qos {

// batch gets a slot only when nobody interactive waits, and one every QueueBounds::batch_patience in any case.
enum class Priority : std::uint8_t { interactive, batch };

// What a call costs, in tokens of input: one of output weighs two (the weights of the VTC paper, section 5.1).
[[nodiscard]] constexpr std::uint64_t cost_of(std::uint64_t prompt_tokens, std::uint64_t completion_tokens) {
  return prompt_tokens + 2 * completion_tokens;
}

// A call that wants a slot.
struct Claim {
  Subject key{};
  Subject user{};                 // user_of(key, name); equal to `key`: the bucket of all calls without a name
  std::uint32_t key_weight = 1;   // the key's share among keys; 0 counts as 1
  std::uint32_t user_weight = 1;  // the user's share within the key
  Priority priority = Priority::interactive;
  std::uint64_t cost = 0;   // cost_of(prompt, expected answer); at least 1 is charged
  Deadline deadline{};      // a slot after this moment is of no use
  std::uint64_t owner = 0;  // the caller's own mark, given back with grants
};

// A call inside a scheduler, waiting or holding a slot, from join() to leave() or finish(). One that has ended is
// recognised and ignored, also when its index is in use again.
struct Place {
  std::uint32_t index = UINT32_MAX;
  std::uint32_t generation = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

enum class WhyRefused : std::uint8_t {
  queue_full,   // the whole queue, and nobody in it has more calls there than this one's user and key
  user_share,   // this user's part of it
  made_room,    // it waited, the queue was full, and somebody came who has fewer calls there
  batch_share,  // the part of batch calls
  too_late,     // it would not get a slot before its deadline or max_wait
};

[[nodiscard]] constexpr std::string_view why_name(WhyRefused why) {
  switch (why) {
    case WhyRefused::queue_full: return "queue_full";
    case WhyRefused::user_share: return "user_share";
    case WhyRefused::made_room: return "made_room";
    case WhyRefused::batch_share: return "batch_share";
    case WhyRefused::too_late: return "too_late";
  }
  return "queue_full";
}

// Facts for a sentence and for Retry-After.
struct Refusal {
  WhyRefused why = WhyRefused::queue_full;
  Duration expected_wait{};   // of this call, had it been let in; zero: not known yet
  Duration retry_after{};     // 1 s … 10 min
  std::uint32_t waiting = 0;  // calls in the queue
  std::uint32_t slots = 0;
};

// A call that was taken out of the queue to make room. Its place is nobody's any more.
struct Displaced {
  Place place;
  std::uint64_t owner = 0;
  Refusal refusal;
};

struct Joined {
  enum class As : std::uint8_t { admitted, waiting, refused };
  As as = As::refused;
  Place place{};      // unless refused
  Refusal refusal{};  // if refused
  std::optional<Displaced> displaced{};
};

// A slot for a call that waited.
struct Grant {
  Place place;
  std::uint64_t owner = 0;
  Duration waited{};
};

// A call taken out of the queue because its time is over.
struct Expired {
  Place place;
  std::uint64_t owner = 0;
  Duration waited{};
};

// What leave() found: the call was in the queue and is out; it holds a slot already and must finish(); nothing.
enum class Left : std::uint8_t { queue, slot, nowhere };

// Where a waiting call stands. Both figures are estimates: who comes later but used less may go first.
struct Standing {
  std::uint32_t position = 1;         // 1: next
  Duration expected_wait{};           // zero: not known yet
  std::optional<Refusal> hopeless{};  // what stands before it takes longer than it may wait, at this pace
};

// What a call would find if it came now. Estimates, as for Standing.
struct Forecast {
  std::uint32_t position = 0;               // in the queue; 0: a slot is free
  std::optional<Duration> expected_wait{};  // nothing: not known yet
  std::optional<WhyRefused> refused{};
};

// How long the queue may get, and how much of it one may fill: at least one call each, unless `size` is 0. When it is
// full, who has many calls in it makes room for who has few.
struct QueueBounds {
  std::uint32_t size = 256;          // calls that may wait
  std::uint32_t user_percent = 25;   // of `size`, for one end user
  std::uint32_t batch_percent = 50;  // of `size`, for all batch calls
  Duration max_wait = std::chrono::seconds{60};
  Duration batch_patience = std::chrono::seconds{30};
  friend bool operator==(const QueueBounds&, const QueueBounds&) = default;
};

}  // namespace intragate::qos
