// bench_load MODE --target 127.0.0.1:8080 [options]: the client side of every measurement. Prints one JSON object.
//   requests  plain calls; --connections C --calls N --seconds S (no new call after it) --fresh (a connection per call)
//   streams   SSE streams read to the end; --streams N --events E (each) --rate R (a second; absent = all at once)
//   hold      endless SSE streams; prints once all have begun, holds them until standard input ends, then vanishes
//   body      prints the request body and ends
//   spin      burns this core at idle priority until killed, so that a virtual core never halts (latency runs)
// --tls speaks TLS 1.3 without looking at certificates, --resume with the session of an earlier connection.
// Bodies: --bytes B --content text|chinese|tools --model M --api chat|messages|responses. --key K is the bearer key,
// --header "Name: value" adds a header. Streams: --mark is what stands before an event's number, --end how the last
// event begins.
#include <sched.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "options.h"
#include "payload.h"
#include "request_load.h"
#include "sockets.h"
#include "stream_load.h"

namespace intragate::bench {
namespace {

constexpr Nanos kSecond = 1'000'000'000;

int refuse(const std::string& reason) {
  constexpr const char* text = "bench_load: %s\nusage: bench_load requests|streams|hold|body|spin [options]\n";
  std::fprintf(stderr, text, reason.c_str());
  return EXIT_FAILURE;
}

int spin() {
  const sched_param parameter{};
  if (sched_setscheduler(0, SCHED_IDLE, &parameter) != 0) return refuse("cannot take idle priority");
  while (true) asm volatile("");  // no pause instruction: a hypervisor takes that as a wish to yield the core
}

std::string request_of(Options& options, const std::string& target, Api api, const std::string& body) {
  Envelope envelope{target, options.text("--key", "sk-bench"), {}};
  for (const std::string& header : options.list("--header")) envelope.headers += header + "\r\n";
  return http_request(api, envelope, body);
}

// Null: plain.
std::unique_ptr<Tls> tls_of(Options& options) {
  const bool wanted = options.number("--tls", 0) != 0;
  const bool resume = options.number("--resume", 0) != 0;
  return wanted ? std::make_unique<Tls>(resume ? Sessions::resumed : Sessions::fresh) : nullptr;
}

int load_requests(Options& options, const Address& target, const std::string& request) {
  const std::unique_ptr<Tls> tls = tls_of(options);
  RequestPlan plan;
  plan.tls = tls.get();
  plan.target = target;
  plan.request = request;
  plan.connections = options.number("--connections", plan.connections);
  plan.calls = options.number("--calls", plan.calls);
  plan.longest = options.number("--seconds", 10) * kSecond;
  const bool fresh = options.number("--fresh", 0) != 0;
  plan.reuse = fresh ? Reuse::connection_per_call : Reuse::keep_alive;
  if (const auto unknown = options.unread()) return refuse("unknown option " + *unknown);
  std::printf("%s\n", RequestLoad(plan).run().c_str());
  return EXIT_SUCCESS;
}

enum class After : std::uint8_t { end, hold };

int load_streams(Options& options, const Address& target, const std::string& request, After after) {
  const std::unique_ptr<Tls> tls = tls_of(options);
  StreamPlan plan;
  plan.tls = tls.get();
  plan.target = target;
  plan.request = request;
  plan.streams = options.number("--streams", plan.streams);
  plan.per_second = options.number("--rate", 0);
  plan.events = after == After::hold ? 0 : options.number("--events", plan.events);
  plan.longest = options.number("--seconds", 30) * kSecond;
  const std::string mark = options.text("--mark", std::string(kEventMark));
  const std::string end = options.text("--end", std::string(kStreamEnd));
  plan.marks = {mark, end};
  if (const auto unknown = options.unread()) return refuse("unknown option " + *unknown);
  StreamLoad load(plan);
  if (after == After::hold) {
    load.hold();
  } else {
    std::printf("%s\n", load.run().c_str());
  }
  return EXIT_SUCCESS;
}

int run(const std::string& mode, Options& options) {
  if (mode == "spin") return spin();
  const auto content = content_named(options.text("--content", "text"));
  if (!content) return refuse("--content is text, chinese or tools");
  const auto api = api_named(options.text("--api", "chat"));
  if (!api) return refuse("--api is chat, messages or responses");
  const bool streams = mode == "streams" || mode == "hold";
  const Reply reply = streams ? Reply::stream : Reply::whole;
  const std::string model = options.text("--model", "bench");
  const std::string body = body_of({*api, model, *content, reply, options.number("--bytes", 1024)});
  if (mode == "body") return std::fwrite(body.data(), 1, body.size(), stdout) == body.size() ? 0 : 1;
  const std::string target = options.text("--target", "");
  const auto address = parse_address(target);
  if (!address) return refuse("--target takes ADDRESS:PORT");
  raise_file_limit();
  const std::string request = request_of(options, target, *api, body);
  if (mode == "requests") return load_requests(options, *address, request);
  if (streams) return load_streams(options, *address, request, mode == "hold" ? After::hold : After::end);
  return refuse("unknown mode " + mode);
}

}  // namespace
}  // namespace intragate::bench

int main(int count, char** words) {
  if (count < 2) return intragate::bench::refuse("which mode?");
  intragate::bench::Options options(count - 2, words + 2);
  return intragate::bench::run(words[1], options);
}
