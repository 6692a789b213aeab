// One request and its answer, from the first byte to the record. Every field has one writing station, named beside it.
// Owner: the connection's coroutine (receive.cpp). Thread: one loop.
// Does not: do anything; the stations do. Tickets die in reverse order: connection, then place.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/keyring.h"
#include "base/address.h"
#include "base/error.h"
#include "base/ticket.h"
#include "dialect/front.h"
#include "dialect/tool_text.h"
#include "llm/call.h"
#include "llm/live_call.h"
#include "llm/usage.h"
#include "net/http_connection.h"
#include "pipeline/answer.h"
#include "pipeline/ledger.h"
#include "pipeline/reply.h"
#include "pipeline/route.h"
#include "pipeline/screening.h"
#include "pipeline/snapshot.h"
#include "pipeline/transcript.h"
#include "pipeline/upload.h"
#include "upstream/health.h"
#include "upstream/pool.h"

namespace intragate::pipeline {

class Worker;
struct Exchange;

// What was kept of the request's head: views into the connection's buffer, gone after release_request().
struct ReceivedHead {
  std::string_view authorization;
  std::string_view api_key;  // x-api-key
  std::string_view accept;
  std::string_view content_type;
  std::string_view traceparent;
  std::string_view tracestate;
  std::string_view session;
  std::string_view target;
};

// One attempt at one endpoint: what it holds there, and what has come. The exchange's own is the one whose answer its
// client gets; a hedge (hedge.h) has another one beside it for a while.
struct Attempt {
  std::size_t which = 0;  // of the lane's endpoints
  std::shared_ptr<upstream::Endpoint> endpoint;
  Capacity* capacity = nullptr;                   // the endpoint's; lives in the snapshot
  const dialect::Converter* converter = nullptr;  // how the endpoint is spoken to; lives in the snapshot
  upstream::Health::Trial trial;
  dialect::ToolsAsked tools;                  // those that the model may call in its text
  net::Cancellation* cancellation = nullptr;  // ends its waits; null: whoever runs it ends it by destroying it
  Ticket<upstream::Endpoint> place;
  upstream::Connection upstream;
  Answer answer;
  TimePoint sent_at;                    // when the model got the request
  std::optional<TimePoint> first_byte;  // of its answer
};

// Where one call has been.
struct Tries {
  std::vector<bool> tried;               // by endpoint
  std::optional<std::uint64_t> session;  // made when first needed
};

// Tokens of the prompt: as they were counted, or from the size of the body: about four bytes each. Images and the like
// are not worth what they weigh, so it is never more than the model can read.
[[nodiscard]] std::uint64_t estimated_prompt(std::uint64_t body_bytes, std::uint64_t context_window);
[[nodiscard]] std::uint64_t estimated_prompt(const Exchange& x);
[[nodiscard]] qos::Moment moment_of(const Exchange& x);

// The call wants its prompt's tokens counted; no model is asked.
[[nodiscard]] bool only_counts(const Exchange& x);

struct Exchange : Attempt {  // the attempt's fields are dispatch's
  Exchange(Worker& at, net::HttpConnection& from);

  Worker& worker;
  net::HttpConnection& connection;

  // receive
  TimePoint begun;
  WallTime wall;
  IpAddress address;                 // the client's, behind trusted proxies
  bool many_behind_address = false;  // it is a proxy's that does not say for whom it calls
  bool of_page = false;              // a browser says that a web page asked for it
  std::string request_id;
  ReceivedHead head;
  RouteMatch target;
  bool head_method = false;     // HEAD: answered like GET, without the body
  bool method_matches = false;  // the route's method, or HEAD for GET
  bool http_1_0 = false;
  std::unique_ptr<dialect::Front> front;     // the URL's API where it is one laid over chat: `call` is a chat call then
  std::shared_ptr<const Snapshot> snapshot;  // taken once; a reload does not touch calls under way

  // identify
  const auth::Principal* principal = nullptr;  // lives in the snapshot

  std::unique_ptr<Transcript> transcript;  // only if its record is to hold content; relay adds the answer

  // understand
  llm::Call call;
  const Lane* lane = nullptr;      // lives in the snapshot
  Deadline deadline;               // timeouts.total; only ever shortened
  std::uint64_t bytes_in = 0;      // of the body, as far as it came
  std::unique_ptr<Upload> upload;  // only of a form that goes to the model while it comes: body() is its beginning
  std::string chat;                // the request that `front` made of the client's; empty: the client's own
  net::Held chat_held;             // counts it

  // screen
  std::unique_ptr<Screening> screening;  // only if a content rule is for this call; relay adds what answers have
  std::string screened;                  // the body with what rules mask masked; empty: the client's own
  net::Held screened_held;
  // What the client asks, as the stations see it.
  [[nodiscard]] std::string_view asked() const {
    if (!screened.empty()) return screened;
    return chat.empty() ? connection.body() : std::string_view{chat};
  }

  // measure
  std::optional<std::uint64_t> prompt_counted;  // tokens, by the model's own tokenizer
  std::uint64_t most_answer = 0;                // tokens that the model may be asked for; 0: not bounded

  // limit
  std::uint64_t prompt_estimate = 0;  // tokens; 0: nobody needed it yet
  Ticket<Ledger> reservation;
  qos::Rank rank;
  qos::Allowance requests_left;  // for the headers
  qos::Allowance tokens_left;

  // admit
  TimePoint waiting_since;  // when the call was ready for the model
  Ticket<Gate> slot;

  // dispatch
  Tries tries;
  std::uint32_t attempts = 0;
  bool hedged = false;        // there was a second attempt beside one
  bool usage_hidden = false;  // the gateway asked for usage, the client did not
  std::string rebuilt;        // the request that asks for the rest of an answer; empty: the client's own
  [[nodiscard]] std::string_view body() const { return rebuilt.empty() ? asked() : rebuilt; }
  std::string continued_from;             // URLs of endpoints whose answer broke off and went on elsewhere
  std::optional<TimePoint> answer_began;  // the first byte of the first of them
  bool began_well = false;  // the answer is on its way to the client: what breaks it now speaks against the endpoint
  std::optional<Duration> queued;  // from waiting_since until a model first got it

  // relay
  Reply reply;
  bool streaming = false;  // an event stream has begun: what is to be told now is told in events
  llm::Usage usage;
  std::uint64_t events = 0;  // with content, delivered
  std::optional<TimePoint> last_event;
  bool held_up = false;  // the client was slower than the model, at least once

  // settle
  std::uint64_t delivered = 0;  // bytes of the answer's body

  // any station that begins to wait for something else; for administrators (calls.h)
  llm::Phase phase = llm::Phase::receiving;

  // any station; settle reads it
  std::unique_ptr<Error> error;  // null: none
  bool settled = false;
};

}  // namespace intragate::pipeline
