// Request bodies of a wanted size with the three contents that tell JSON scanners apart.
// Owner:   bench_load, made once before the clock starts.  Thread: any; deterministic, the same bytes in every run.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace intragate::bench {

enum class Content : unsigned char {
  text,     // English with the odd escaped quote and line end
  chinese,  // a Chinese prompt as \uXXXX, which is what Python's json.dumps makes of it
  tools,    // a large array of tool definitions: brackets and short strings
};

enum class Reply : unsigned char { whole, stream };

std::optional<Content> content_named(const std::string& name);

// A chat completion request of `bytes` bytes (at least as many as its frame needs, about 300).
std::string chat_body(std::size_t bytes, Content content, Reply reply);

// The complete HTTP/1.1 request around it. `extra_headers`: whole lines without line ends.
std::string http_request(const std::string& host, const std::string& key, const std::string& extra_headers,
                         const std::string& body);

}  // namespace intragate::bench
