// Tool calls, whole and in pieces: what an agent of Dify's makes of them.
#include <map>

#include "check/judge.h"
#include "check/look.h"
#include "check/stream_events.h"

namespace intragate::check {
namespace {

constexpr std::string_view kCure = "`repair: true` (the default): its repair `tool_calls`";

bool is_tool_call(std::string_view call, std::string& why) {
  const std::optional<std::string> id = look_text(call, {"id"});
  const std::optional<json::Member> arguments = look(call, {"function", "arguments"});
  if (!id || id->empty()) why = "a call without `id`";
  if (!look_text(call, {"function", "name"})) why = "a call without a name";
  if (look_text(call, {"type"}).value_or("function") != "function") why = "a call whose `type` is not \"function\"";
  if (!arguments || arguments->kind != json::Kind::string) {
    why = "`function.arguments` is no string";
  } else if (!is_object(look_text(call, {"function", "arguments"}).value_or(""))) {
    why = "`function.arguments` is not JSON: " + excerpt(arguments->value);
  }
  return why.empty();
}

// A stream's calls put together from their pieces, in OpenAI's way (by index) and in Dify's (by id, else the last one).
class Assembly {
 public:
  void add(std::string_view piece) {
    const std::optional<json::Member> index = look(piece, {"index"});
    const std::string id = look_text(piece, {"id"}).value_or("");
    const std::string name = look_text(piece, {"function", "name"}).value_or("");
    const std::string arguments = look_text(piece, {"function", "arguments"}).value_or("");
    if (!index) return blame("a piece without `index`");
    if (has(piece, {"function", "arguments"}) && !look_text(piece, {"function", "arguments"})) {
      blame("`function.arguments` is no string");
    }
    if (!id.empty()) last_id_ = id;
    if (last_id_.empty()) return blame("a first piece without `id`");
    const bool first = by_id_.find(last_id_) == by_id_.end();
    Call& call = by_id_[last_id_];
    if (first) call.index = std::string{index->value};
    if (first && name.empty()) blame("a first piece without a name");
    if (!first && !name.empty()) blame("the name comes again in a later piece");
    if (call.index != index->value) blame("the `index` changes within a call, or two calls are interleaved");
    call.arguments += arguments;
    by_index_[std::string{index->value}] += arguments;
  }

  [[nodiscard]] bool empty() const { return by_id_.empty() && wrong_.empty(); }
  [[nodiscard]] std::size_t calls() const { return by_id_.size(); }
  // What is wrong with it; empty: nothing.
  [[nodiscard]] std::string wrong() const {
    if (!wrong_.empty()) return wrong_;
    if (by_index_.size() != by_id_.size()) {
      return "Dify, which goes by `id`, sees " + std::to_string(by_id_.size()) + " calls where others see " +
             std::to_string(by_index_.size());
    }
    for (const auto& [id, call] : by_id_) {
      if (!is_object(call.arguments)) return "arguments that are not JSON: " + excerpt(call.arguments);
    }
    return {};
  }

 private:
  struct Call {
    std::string index{};
    std::string arguments{};
  };
  void blame(std::string_view reason) {
    if (wrong_.empty()) wrong_ = reason;
  }

  std::map<std::string, std::string> by_index_;
  std::map<std::string, Call> by_id_;
  std::string last_id_;
  std::string wrong_;  // the first reason
};

}  // namespace

void judge_tool_call(const Answer& answer, Findings& into) {
  Finding found{.id = "T1", .title = "a tool is called"};
  std::string why;
  const std::optional<json::Member> call = look(answer.body, {"choices", "0", "message", "tool_calls", "0"});
  if (answer.status != 200) {
    found.verdict = Verdict::open;
    found.detail = status_and_body(answer);
    found.cure =
        "if the model knows tools, start its server with them (vLLM: --enable-auto-tool-choice, llama.cpp: --jinja)";
  } else if (!call) {
    found.verdict = Verdict::open;
    found.detail = "the model answered without calling it";
    found.cure = "set function calling to `no_call` in Dify's form if the model does not know tools";
  } else if (!is_tool_call(call->value, why)) {
    found.verdict = Verdict::bad;
    found.detail = why;
    found.dify_shows = "an agent that stops, or a tool called without arguments";
    found.cure = kCure;
  }
  into.push_back(std::move(found));
}

void judge_tool_stream(const Answer& answer, Findings& into) {
  Finding found{.id = "T2", .title = "tools are called in a stream"};
  const StreamShape shape = shape_of(answer.body);
  Assembly assembly;
  for (const StreamEvent& event : shape.events) {
    const std::optional<json::Member> pieces = look(event.data, {"choices", "0", "delta", "tool_calls"});
    if (!pieces || pieces->kind != json::Kind::array) continue;
    json::ArrayScan scan{pieces->value};
    while (const std::optional<json::Member> piece = scan.next()) assembly.add(piece->value);
  }
  if (answer.status != 200 || assembly.empty()) {
    found.verdict = Verdict::open;
    found.detail = answer.status != 200 ? status_and_body(answer) : "the model answered without calling any";
    into.push_back(std::move(found));
    return;
  }
  found.detail = assembly.wrong();
  if (found.detail.empty()) {
    found.detail =
        assembly.calls() == 1 ? "one call; none came beside it" : std::to_string(assembly.calls()) + " calls";
  } else {
    found.verdict = Verdict::bad;
    found.dify_shows = "an agent that stops, or a tool called with mixed-up arguments";
    found.cure = kCure;
  }
  into.push_back(std::move(found));
}

}  // namespace intragate::check
