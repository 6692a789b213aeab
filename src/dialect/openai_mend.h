// Mends what models of the OpenAI dialect get wrong and Dify or other clients then reject or misread. Changes bytes
// where they are wrong and nowhere else; what is well stays as it is. Source: OpenAI API reference, and what Dify
// demands. Owner: one answer. Thread: any (pure). Does not: change what the model says, know time or sockets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_scan.h"
#include "dialect/json_end.h"
#include "dialect/openai_write.h"
#include "llm/call.h"

namespace intragate::dialect::openai {

enum class Repair : std::uint8_t {
  object,         // missing or another one: Dify's validation demands `chat.completion`
  id,             // missing
  model,          // missing in embeddings
  choices,        // an event without, which Dify cannot read
  index,          // of a choice, missing
  delta,          // null
  content,        // null in a whole answer that calls no tools
  tool_calls,     // without index, id or type, the name again and again, arguments as an object
  empty_delta,    // within reasoning: Dify takes it for the end of the thoughts
  finish_reason,  // missing at the end
  usage,          // missing, though it is to be shown: estimated
  error,          // a text, or HTML
  done,           // [DONE] missing at the end
};
inline constexpr std::size_t kRepairs = static_cast<std::size_t>(Repair::done) + 1;
[[nodiscard]] constexpr std::string_view repair_name(Repair repair) {
  constexpr std::array<std::string_view, kRepairs> kNames{
      "object",     "id",          "model",         "choices", "index", "delta", "content",
      "tool_calls", "empty_delta", "finish_reason", "usage",   "error", "done"};
  return kNames[static_cast<std::size_t>(repair)];
}

// Some of them: which an answer needed.
class Repairs {
 public:
  void add(Repair repair) { bits_ |= 1U << static_cast<unsigned>(repair); }
  [[nodiscard]] bool has(Repair repair) const { return (bits_ >> static_cast<unsigned>(repair) & 1U) != 0; }
  [[nodiscard]] bool any() const { return bits_ != 0; }

 private:
  std::uint32_t bits_ = 0;
};

[[nodiscard]] Repairs repairs_named(const std::vector<std::string>& names);

class Mender {
 public:
  // `left_alone`: what is not mended, however wrong it is.
  explicit Mender(const NamedElsewhere& name, Repairs left_alone = {}) : name_{name}, left_alone_{left_alone} {}

  // The data of one event, mended: `data` itself where all is well, else bytes of this object until the next call.
  // Empty: the event is to be left out.
  [[nodiscard]] std::string_view mend_event(std::string_view data);
  // [DONE], or the end of the body, has come: the event that says why the answer ends, if none did; else empty.
  [[nodiscard]] std::string missing_end();
  // The same of the event with the counts, which no event had.
  [[nodiscard]] std::string missing_usage(const llm::Usage& usage);
  // What an event leaves behind here, so that others like it need not be read (known_events.h).
  struct Trace {
    enum class Said : std::uint8_t { nothing, thought, text };
    Said said = Said::nothing;
    bool choice = false;
    bool end = false;
    bool usual = true;  // nothing to mend, no tools, no more than one choice
  };
  // Of the last event.
  [[nodiscard]] const Trace& trace() const { return trace_; }
  // Another event like one with this trace, in place of mend_event. False: here it has to be looked at.
  [[nodiscard]] bool follow(const Trace& trace);
  // A whole answer with status 200; `prompt_tokens`: for counts that are missing.
  [[nodiscard]] std::string_view mend_answer(std::string_view body, std::uint64_t prompt_tokens);

  // The same of embeddings.
  [[nodiscard]] std::string_view mend_embeddings(std::string_view body, std::uint64_t prompt_tokens);

  [[nodiscard]] const Repairs& repairs() const { return repairs_; }
  void note(Repair repair) { repairs_.add(repair); }
  [[nodiscard]] bool leaves(Repair repair) const { return left_alone_.has(repair); }
  // What was seen is an answer, and nothing of it had to be mended.
  [[nodiscard]] bool is_well() const { return choices_ && !repairs_.any(); }
  // Some choice had a finish_reason.
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  enum class Form : std::uint8_t { event, whole };
  struct Top;
  struct Piece;
  struct Tool {
    std::int64_t index = 0;
    std::string id;
    std::string name{};   // only of a call without index and id: what its next piece is known by
    JsonEnd arguments{};  // 〃
  };

  std::string_view mend(std::string_view data, Form form);
  void mend_top(std::string_view data, const Top& top, Form form);
  void mend_choice(std::string_view data, std::size_t offset, std::size_t place, Form form);
  void mend_delta(std::string_view data, std::size_t offset);
  void mend_message(std::string_view data, std::size_t offset);
  void mend_tools(std::string_view data, std::size_t offset, Form form);
  void mend_tool(std::string_view data, std::size_t offset, std::size_t place, Form form);
  void mend_function(std::string_view data, std::size_t offset, bool begun);
  [[nodiscard]] bool goes_on(const Piece& piece, std::size_t place) const;
  Tool& tool_of(const Piece& piece, std::size_t place, bool& begun);
  void replace(std::size_t offset, std::size_t length, std::string text, Repair repair);
  // The member `key` of the object that begins at `brace`: `old` becomes `value`, or it is added.
  struct Place {
    std::string_view data;
    std::size_t brace = 0;
    std::string_view key;
  };
  void put(const Place& at, const std::optional<json::Member>& old, std::string_view value, Repair repair);
  std::string_view apply(std::string_view data);

  NamedElsewhere name_;
  Repairs left_alone_;
  Repairs repairs_;
  std::vector<llm::Edit> edits_;
  std::string mended_;
  std::vector<Tool> tools_;
  std::int64_t last_tool_ = -1;
  std::size_t said_ = 0;    // bytes of text in a whole answer
  bool reasoning_ = false;  // the last delta that said something was a thought
  bool left_out_ = false;
  Trace trace_;
  bool choices_ = false;  // some event had one
  bool finished_ = false;
};

// A refusal (status 4xx or 5xx) that is no OpenAI error object, made one: a text, HTML, {"detail":…}; nothing: it is.
[[nodiscard]] std::optional<std::string> mend_refusal(int status, std::string_view body);

// Whether both ends of such embeddings say what mend_embeddings adds, but for their usage: a look at some hundred bytes
// of what may be megabytes, in which nothing is anybody's text.
[[nodiscard]] bool is_usual_list(std::string_view embeddings);

}  // namespace intragate::dialect::openai
