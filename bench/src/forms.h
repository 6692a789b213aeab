// The forms that models stream in: a dialect's own, and OpenAI's with one thing that models get wrong in every event.
// Owner:   bench_model; which one a call gets its target says.  Thread: any; constants.
// Does not: answer without a stream in these forms (every call gets OpenAI's), or read what the request asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::bench {

struct Form {
  std::string_view target;  // what a request's target begins with
  std::string_view type;    // of the content
  std::string_view before;  // what stands before and behind the text "#n " of an event …
  std::string_view after;
  std::string_view last;     // … and behind that of the last one, which says why the answer ends
  std::string_view usage{};  // an event for whom asks for usage
  std::string_view end{};    // behind the last event
  std::string_view first{};  // before the first event, in its chunk
  bool always = false;       // a stream whatever the body says
};

const Form& form_of(std::string_view target);

// Each appends HTTP chunks: the head of the answer with its first event, an event, the end of the body.
enum class Place : std::uint8_t { before, last };
void append_head(std::string& out, const Form& form);
void append_event(std::string& out, const Form& form, std::uint64_t number, Place place);
enum class Usage : std::uint8_t { asked, unasked };
void append_end(std::string& out, const Form& form, Usage usage);

}  // namespace intragate::bench
