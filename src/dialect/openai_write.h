// Writes what a model said in the OpenAI form, for clients of models that say it in another: events, whole answers,
// refusals. Source: OpenAI API reference. Owner: one answer. Thread: any (pure). Does not: frame events, know time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "llm/call.h"
#include "llm/delta.h"

namespace intragate::dialect::openai {

// What is the same in all events of an answer.
struct AnswerName {
  llm::Api api = llm::Api::chat;
  std::string id;            // of the request; the answer's is made from it
  std::int64_t created = 0;  // seconds since 1970
  std::string model;         // as the client called it
};

// The same for whoever seldom needs it: what it says lives elsewhere, and longer.
struct NamedElsewhere {
  NamedElsewhere(llm::Api of, std::string_view request, std::int64_t since, std::string_view called)
      : api{of}, id{request}, created{since}, model{called} {}
  NamedElsewhere(const AnswerName& name) : NamedElsewhere{name.api, name.id, name.created, name.model} {}
  NamedElsewhere(AnswerName&&) = delete;
  [[nodiscard]] AnswerName name() const {
    return {.api = api, .id = std::string{id}, .created = created, .model = std::string{model}};
  }

  llm::Api api;
  std::string_view id;
  std::int64_t created;
  std::string_view model;
};

class ChunkWriter {
 public:
  explicit ChunkWriter(const AnswerName& name);

  // The role was said by the model itself.
  void begin() { begun_ = true; }
  // Appends the event that says what `delta` says, as the JSON behind `data:`; nothing if there is nothing to say.
  // Numbers tool calls and gives them ids where the model does not.
  void write(llm::Delta& delta, std::string& out);
  // The event with the counts.
  void write_usage(const llm::Usage& usage, std::string& out) const;
  // The end has a reason already.
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  void write_tools(llm::Delta& delta, std::string& out);
  void write_finish(std::string_view finish, std::string& out);

  std::string head_;  // {"id":…,"object":…,"created":…,"model":…,"choices":[
  std::string id_;
  llm::Api api_;
  int tools_ = 0;  // calls begun
  bool begun_ = false;
  bool finished_ = false;
};

// A whole answer; `usage` where the model gave no counts.
[[nodiscard]] std::string encode_answer(const AnswerName& name, llm::Delta& delta);

// Embeddings in the order of the inputs, as lists of numbers or in base64 (of 32-bit floats, as OpenAI has it).
enum class Vectors : std::uint8_t { numbers, base64 };
[[nodiscard]] std::string encode_embeddings(const AnswerName& name, const llm::Delta& delta, Vectors vectors);

// An OpenAI error object of less than 1 KB.
[[nodiscard]] std::string encode_told(std::string_view type, std::string_view code, std::string_view words);

// A model's refusal in its own words: an OpenAI error object of less than 1 KB.
[[nodiscard]] std::string encode_refusal(int status, std::string_view words);

}  // namespace intragate::dialect::openai
