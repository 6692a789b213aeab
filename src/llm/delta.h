// What a model says, in its meaning: one event of a stream, or a whole answer. Plain data: filled in by a dialect
// towards models, written out by one towards clients. Owner: one stream, which uses the same one again and again, so
// that its strings keep their memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "llm/usage.h"

namespace intragate::llm {

// A tool call, or a piece of one.
struct ToolPiece {
  int index = -1;         // which call of the answer; -1: the model does not number them
  std::string id;         // empty: the model gives none, or gave it before
  std::string name;       // empty: said before
  std::string arguments;  // JSON text, to be appended
};

// A server that says more is not believed.
inline constexpr std::size_t kMostEmbeddings = 100'000;

struct Delta {
  std::string text;
  std::string reasoning;
  std::vector<ToolPiece> tools{};
  std::string finish;  // stop, length, tool_calls, content_filter; empty: goes on
  std::optional<Usage> usage;
  std::vector<std::string> embeddings{};  // JSON arrays of numbers, in the order of the inputs
  std::string error;                      // in the model's own words
  bool failed = false;                    // the model gave up: `error`
  bool malformed = false;                 // not what the dialect says
  bool done = false;                      // nothing follows

  [[nodiscard]] bool says_something() const { return !text.empty() || !reasoning.empty() || !tools.empty(); }

  void clear() {
    text.clear();
    reasoning.clear();
    tools.clear();
    finish.clear();
    usage.reset();
    embeddings.clear();
    error.clear();
    failed = malformed = done = false;
  }
};

}  // namespace intragate::llm
