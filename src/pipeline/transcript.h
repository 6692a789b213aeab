// What is kept of a call's prompt and answer for its record, as `audit.content` or the key's `content` wants it:
// hashes, or the beginnings of the texts, as they are or with what content rules and their built-in detectors find
// masked. The prompt is the body of the request as the model gets it, or, where none gets it, as it came. The answer is
// what the client got: of a stream the text of its events put together, else the body. Owner: the exchange, which has
// one only if something is to be kept. Thread: one loop. Does not: see errors that the gateway tells.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "content/filter.h"
#include "net/digest.h"
#include "net/memory.h"

namespace intragate::pipeline {

class Transcript {
 public:
  // REQUIRES: content is not none. `most`: bytes kept of each text.
  Transcript(config::Content content, std::size_t most, net::MemoryMeter& meter);

  // These rules mask too, whatever their action. They outlive this.
  void redact_with(const content::Rules& rules);
  // Once.
  void prompt(std::string_view body);
  [[nodiscard]] bool has_prompt() const { return prompt_.any; }
  // What of it comes later.
  void prompt_rest(std::string_view piece) { add(prompt_, piece); }
  void answer(std::string_view piece);
  // One event of a stream: its data.
  void event(std::string_view data);

  // The record's `content`. Once, at the end.
  [[nodiscard]] std::string json();

 private:
  // One of the two texts.
  struct Text {
    bool any = false;
    bool cut = false;  // there was more than is kept
    std::string kept;
    std::optional<net::RunningSha256> hash;
  };
  void add(Text& text, std::string_view piece);
  void keep(Text& text, std::string_view piece);
  void add_redacted(Text& text, std::string_view body);
  void finish_redacted();

  config::Content content_;
  std::size_t most_;
  content::Rules rules_;                   // redacted: what is masked
  content::Tally tally_;                   // what nobody asks for
  std::optional<content::Filter> filter_;  // redacted: of a stream's text
  Text prompt_;
  Text answer_;
  net::Held held_;
};

}  // namespace intragate::pipeline
