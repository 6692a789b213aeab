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

enum class Api : unsigned char { chat, messages, responses };

std::optional<Api> api_named(const std::string& name);

struct Ask {
  Api api = Api::chat;
  std::string model = "bench";
  Content content = Content::text;  // tools: in chats only
  Reply reply = Reply::whole;
  std::size_t bytes = 1024;  // at least as many as its frame needs, about 300
};
std::string body_of(const Ask& ask);

struct Envelope {
  std::string host;
  std::string key;
  std::string headers;  // further lines, each with its end
};
// The complete HTTP/1.1 request around a body.
std::string http_request(Api api, const Envelope& envelope, const std::string& body);

}  // namespace intragate::bench
