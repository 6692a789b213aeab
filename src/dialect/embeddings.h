// Embeddings in the form that the client wants, whatever form the model gives, and long lists of inputs in parts. Pure
// functions over bytes. Source: OpenAI API reference (embeddings). Owner: the caller. Thread: any. Does not: look into
// inputs, which may be texts or token ids.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "llm/call.h"
#include "llm/usage.h"

namespace intragate::dialect::embeddings {

// base64: of 32-bit floats, little-endian.
enum class Form : std::uint8_t { numbers, base64 };

// `encoding_format`.
[[nodiscard]] Form wanted(std::string_view body);

// Where the inputs of a request stand in its body. Empty: it has one, a text or a list of token ids.
[[nodiscard]] std::vector<llm::Span> find_inputs(const llm::Call& call, std::string_view body);
// The same request for only these inputs. REQUIRES: some of what find_inputs found, in a row.
[[nodiscard]] std::string part_of(const llm::Call& call, std::string_view body, std::span<const llm::Span> inputs);

// Whether the answer that begins so has another form than this one. What is no answer has the form that was wanted.
[[nodiscard]] bool differs(std::string_view beginning, Form form);

// What answers say, one after the other. Owns what it was told, in the wanted form.
class Collection {
 public:
  explicit Collection(Form form) : form_{form} {}

  // Errors: upstream_malformed: no embeddings, not as many as there were inputs (`count`; 0: any number), or vectors
  // that cannot be read.
  [[nodiscard]] Result<Unit> add(std::string_view answer, std::size_t count);
  [[nodiscard]] std::size_t bytes() const { return data_.size(); }
  [[nodiscard]] const llm::Usage& usage() const { return usage_; }
  // The one answer. `model`: as it is to be called; empty: as the first answer calls it.
  [[nodiscard]] std::string answer(std::string_view model) const;

 private:
  Form form_;
  std::string data_;   // entries, with commas between them
  std::string model_;  // raw
  std::size_t count_ = 0;
  llm::Usage usage_;
};

}  // namespace intragate::dialect::embeddings
