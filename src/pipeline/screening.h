// Content rules on one call: which are for it, what they found, and what becomes of its prompt and its answer. Owner:
// the exchange, which has one only if a rule is for it. Thread: one loop. Does not: look into texts (content/), know
// JSON (dialect/screen_body.h, dialect/openai_screen.h).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "content/filter.h"
#include "dialect/openai_screen.h"
#include "net/sse.h"
#include "net/task.h"
#include "pipeline/stream.h"

namespace intragate::config {
struct Config;
}
namespace intragate::metrics {
class Shard;
}

namespace intragate::pipeline {

struct Exchange;

class Screening {
 public:
  // The rules for prompts or answers, and what they found.
  struct Side {
    content::Rules rules;
    content::Tally tally;
    // Whether some rule changes or refuses what it finds.
    [[nodiscard]] bool enforces() const;
  };

  // Nothing: no rule is for calls with this key of this model.
  [[nodiscard]] static std::unique_ptr<Screening> of(const config::Config& config, std::string_view key,
                                                     std::string_view model);
  [[nodiscard]] Side& side(content::Where where) { return sides_[static_cast<std::size_t>(where)]; }
  [[nodiscard]] const Side& side(content::Where where) const { return sides_[static_cast<std::size_t>(where)]; }
  [[nodiscard]] bool looks_into(content::Where where) const { return !side(where).rules.empty(); }
  // Every rule once, in order.
  [[nodiscard]] const content::Rules& rules() const { return all_; }

  // The record's `content_rules`: a JSON array; empty: nothing was found.
  [[nodiscard]] std::string json() const;
  void count(metrics::Shard& metrics) const;
  // For the client: "masked", "refused", or nothing.
  [[nodiscard]] std::string_view word() const;
  // What the client is told when a rule refuses.
  [[nodiscard]] Error refusal(content::Where where) const;

 private:
  std::array<Side, 2> sides_;
  content::Rules all_;
};

// The whole of an answer that is no stream, in place. Errors: content_refused; upstream_malformed: it cannot be looked
// through. REQUIRES: x.screening looks into answers.
[[nodiscard]] net::Task<Result<Unit>> screen_answer(Exchange& x);

// An answer's stream: stands behind Stream, which then frames nothing.
class StreamScreen {
 public:
  explicit StreamScreen(const Exchange& x);

  // What the stream gives becomes what the client gets, framed, or as plain blocks for whoever frames them. `out` is
  // complete in good order when a rule has refused: with finish_reason content_filter.
  enum class Blocks : bool { framed, plain };
  void apply(Exchange& x, Stream::Output& out, Blocks blocks);
  [[nodiscard]] bool refused() const { return side_.tally.refused.has_value(); }

 private:
  void add(const Exchange& x, std::string_view block);
  void add_event(const Exchange& x, std::string_view data);
  void take(const Exchange& x, std::string_view data);
  void close(Exchange& x, Stream::Output& out);

  Screening::Side& side_;
  dialect::openai::EventScreen events_;
  net::SseReader reader_;
  std::string out_;
  std::string last_;  // the event in which a rule refused
  std::size_t payload_ = 0;
  Blocks blocks_ = Blocks::framed;
};

// Where no rule is for answers: nothing.
[[nodiscard]] std::unique_ptr<StreamScreen> stream_screen_of(const Exchange& x);

}  // namespace intragate::pipeline
