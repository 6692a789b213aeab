// A chat stream on its way to a client of an API laid over chat: its events are read and said again by the front.
// Owner: one stream. Thread: any (pure). Does not: frame HTTP.
#pragma once

#include <string>
#include <string_view>

#include "dialect/front.h"
#include "llm/delta.h"
#include "net/sse.h"

namespace intragate::dialect {

// A model's refusal with this status in its own words, which may be none. Points into `words`.
[[nodiscard]] Told told_by_model(int status, std::string_view words);

class FrontStream {
 public:
  explicit FrontStream(Front& front) : front_{front} {}

  // Bytes of a chat stream, cut anywhere; appends whole blocks. Nothing follows [DONE] or an error.
  void take(std::string_view bytes, std::string& out);
  // The stream is whole; perhaps it did not say so.
  void finish(std::string& out);

 private:
  void take_event(std::string_view data, std::string& out);

  Front& front_;
  net::SseReader reader_;
  llm::Delta said_;
  bool ended_ = false;
};

}  // namespace intragate::dialect
