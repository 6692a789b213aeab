// What the fake model answers where it does not stream (streams: forms.h), and how the load generator knows events.
// Owner:   bench_model (writes) and bench_load (checks).  Thread: any; constants.
// Rule:    OpenAI's chat completion object.
#pragma once

#include <string>
#include <string_view>

namespace intragate::bench {

// Event n of a stream carries the text "#n " in its delta, so that the receiver can see each arrive once, in order: as
// content, or as reasoning_content.
inline constexpr std::string_view kEventMark = R"(content":"#)";
inline constexpr std::string_view kStreamEnd = "data: [DONE]";
// The last field of every request body; a model that sees it has seen the end.
inline constexpr std::string_view kBodyEnd = R"("user":"bench-end")";

// Head and body with a Content-Length.
std::string whole_answer(int status, std::string_view body);
// A chat completion of about 1 KB with usage.
std::string completion_body();
std::string models_body();

}  // namespace intragate::bench
