// The bytes that the fake model answers with, and the marks by which the load generator recognises them.
// Owner:   bench_model (writes) and bench_load (checks).  Thread: any; constants.
// Rule:    OpenAI's chat completion and chunk objects; HTTP/1.1 chunked coding (RFC 9112 section 7.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::bench {

// Event n of a stream carries the text "#n " in its delta, so that the receiver can see each arrive once, in order.
inline constexpr std::string_view kEventMark = R"("content":"#)";
// The last field of every request body; a model that sees it has seen the end.
inline constexpr std::string_view kBodyEnd = R"("user":"bench-end")";

inline constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

// Head and body with a Content-Length.
std::string whole_answer(int status, std::string_view body);
// A chat completion of about 1 KB with usage.
std::string completion_body();
std::string models_body();

// Each appends one HTTP chunk that holds one SSE event. The last one says why the answer ends, as models do: a gateway
// that mends what is missing would add an event.
enum class Place : std::uint8_t { before, last };
void append_event(std::string& out, std::uint64_t number, Place place);
void append_usage(std::string& out);
// "data: [DONE]" and the end of the chunked body.
void append_done(std::string& out);

}  // namespace intragate::bench
