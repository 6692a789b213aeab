#include "dialect/ollama.h"

#include <array>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/raw.h"

namespace intragate::dialect {
namespace {

using json::Kind;
using json::Member;

// OpenAI's names and Ollama's, of what clients may set. Not those that make the server load the model anew or take its
// memory (num_ctx, num_gpu, num_batch, …): these are the operator's.
struct Option {
  std::string_view openai;
  std::string_view ollama;
};
constexpr auto kOptions = std::to_array<Option>({{"temperature", "temperature"},
                                                 {"top_p", "top_p"},
                                                 {"top_k", "top_k"},
                                                 {"min_p", "min_p"},
                                                 {"seed", "seed"},
                                                 {"presence_penalty", "presence_penalty"},
                                                 {"frequency_penalty", "frequency_penalty"},
                                                 {"repetition_penalty", "repeat_penalty"},
                                                 {"repeat_penalty", "repeat_penalty"}});

void write_options(const llm::Request& request, json::Writer& json) {
  json.open_object("options");
  std::string_view last;
  for (const Option& option : kOptions) {
    const std::string_view value = request.raw(option.openai);
    if (!is_number(value) || option.ollama == last) continue;
    json.raw(option.ollama, value);
    last = option.ollama;
  }
  if (request.max_tokens) json.number("num_predict", static_cast<std::int64_t>(*request.max_tokens));
  if (request.context_window > 0) json.number("num_ctx", static_cast<std::int64_t>(request.context_window));
  if (!request.stop.empty()) {
    json.open_array("stop");
    for (const std::string& stop : request.stop) json.element(stop);
    json.close_array();
  }
  json.close_object();
}

// The tool that an answer in the conversation belongs to: Ollama goes by names, OpenAI by the ids of calls.
std::string_view tool_of(const llm::Request& request, std::string_view id) {
  for (const llm::Message& message : request.messages) {
    for (const llm::ToolCall& call : message.tool_calls) {
      if (call.id == id) return call.name;
    }
  }
  return {};
}

// Arguments are an object here, and text there.
std::string_view arguments_of(const llm::ToolCall& call) {
  json::ObjectScan scan{call.arguments};
  while (scan.next()) {
  }
  return scan.failed() ? std::string_view{"{}"} : std::string_view{call.arguments};
}

void write_message(const llm::Request& request, const llm::Message& message, json::Writer& json) {
  json.open_object().text("role", message.role).text("content", message.text);
  if (!message.reasoning.empty()) json.text("thinking", message.reasoning);
  if (!message.images.empty()) {
    json.open_array("images");
    for (const llm::Image& image : message.images) json.element(image.base64);
    json.close_array();
  }
  if (!message.tool_calls.empty()) {
    json.open_array("tool_calls");
    for (const llm::ToolCall& call : message.tool_calls) {
      json.open_object().open_object("function").text("name", call.name).raw("arguments", arguments_of(call));
      json.close_object().close_object();
    }
    json.close_array();
  }
  const std::string_view tool =
      message.role == "tool" && message.name.empty() ? tool_of(request, message.tool_call_id) : message.name;
  if (message.role == "tool" && !tool.empty()) json.text("tool_name", tool);
  json.close_object();
}

void write_format(std::string_view response_format, json::Writer& json) {
  const AnswerFormat format = answer_format(response_format);
  if (!format.json) return;
  json.raw("format", format.schema.empty() ? "\"json\"" : format.schema);
}

// What Ollama calls `think`, and others `reasoning_effort` or `chat_template_kwargs.enable_thinking`.
void write_think(const llm::Request& request, json::Writer& json) {
  const std::string_view think = request.raw("think");
  if (think == "true" || think == "false" || think.starts_with('"')) {
    json.raw("think", think);
    return;
  }
  const std::string_view effort = request.raw("reasoning_effort");
  if (effort == "\"none\"" || effort == "\"minimal\"") {
    json.flag("think", false);
  } else if (effort == "\"low\"" || effort == "\"medium\"" || effort == "\"high\"") {
    json.raw("think", effort);
  }
  json::ObjectScan scan{request.raw("chat_template_kwargs")};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "enable_thinking") && member->kind == Kind::boolean && effort.empty())
      json.raw("think", member->value);
  }
}

std::string_view finish_of(std::string_view reason) {
  return reason == "\"length\"" ? "length" : "stop";
}

void read_tool_calls(std::string_view calls, llm::Delta& into) {
  json::ArrayScan scan{calls};
  while (const std::optional<Member> call = scan.next()) {
    llm::ToolPiece& piece = into.tools.emplace_back();
    json::ObjectScan members{call->kind == Kind::object ? call->value : std::string_view{"{}"}};
    while (const std::optional<Member> member = members.next()) {
      if (json::key_is(*member, "id")) json::append_text(piece.id, member->value);
      if (!json::key_is(*member, "function") || member->kind != Kind::object) continue;
      json::ObjectScan function{member->value};
      while (const std::optional<Member> part = function.next()) {
        if (json::key_is(*part, "name")) json::append_text(piece.name, part->value);
        if (json::key_is(*part, "arguments") && part->kind == Kind::object) piece.arguments = part->value;
      }
    }
  }
}

void read_message(std::string_view text, std::size_t offset, llm::Delta& into) {
  json::ObjectScan scan = json::ObjectScan::inside(text, offset);
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "content")) json::append_text(into.text, member->value);
    if (json::key_is(*member, "thinking")) json::append_text(into.reasoning, member->value);
    if (json::key_is(*member, "tool_calls") && member->kind == Kind::array) read_tool_calls(member->value, into);
  }
}

void read_error(const Member& member, llm::Delta& into) {
  into.failed = true;
  if (member.kind == Kind::string) json::append_text(into.error, member.value);
}

class Ollama final : public Converter {
 public:
  explicit Ollama(std::string keep_alive) : keep_alive_{std::move(keep_alive)} {}

  Result<Sending> request(const llm::Request& request) const override {
    Sending sending;
    json::Writer json{sending.body};
    json.open_object().text("model", request.model);
    if (request.api == llm::Api::embeddings) {
      sending.path = "/api/embed";
      json.open_array("input");
      for (const std::string& input : request.inputs) json.element(input);
      json.close_array();
      if (is_number(request.raw("dimensions"))) json.raw("dimensions", request.raw("dimensions"));
      if (request.context_window > 0) write_options(request, json);
    } else {
      sending.path = request.api == llm::Api::chat ? "/api/chat" : "/api/generate";
      write_prompt(request, json);
      json.flag("stream", request.stream);
      write_format(request.raw("response_format"), json);
      write_think(request, json);
      write_options(request, json);
    }
    if (!keep_alive_.empty()) json.text("keep_alive", keep_alive_);
    json.close_object();
    return sending;
  }

  void event(llm::Api /*api*/, std::string_view data, llm::Delta& into) const override { read(data, into); }

  void answer(llm::Api api, std::string_view body, llm::Delta& into) const override {
    read(body, into);
    if (api == llm::Api::embeddings ? into.embeddings.empty() : !into.done) into.malformed = !into.failed;
  }

  std::string refusal(std::string_view body) const override {
    llm::Delta said;
    read(body, said);
    return said.error;
  }

  net::EventFraming framing() const override { return net::EventFraming::ndjson; }

 private:
  static void write_prompt(const llm::Request& request, json::Writer& json) {
    if (request.api == llm::Api::completions) {
      json.text("prompt", request.prompt);
      if (!request.raw("suffix").empty()) json.raw("suffix", request.raw("suffix"));
      return;
    }
    json.open_array("messages");
    for (const llm::Message& message : request.messages) write_message(request, message, json);
    json.close_array();
    const std::string_view tools = request.raw("tools");
    if (tools.starts_with('[') && request.raw("tool_choice") != "\"none\"") json.raw("tools", tools);
  }

  // An event and a whole answer are the same object.
  static void read(std::string_view data, llm::Delta& into) {
    std::uint64_t prompt = 0;
    std::uint64_t completion = 0;
    std::string_view reason;
    json::ObjectScan scan{data};
    while (const std::optional<Member> member = scan.next()) {
      if (json::key_is(*member, "message") && member->kind == Kind::object) read_message(data, member->offset, into);
      if (json::key_is(*member, "response")) json::append_text(into.text, member->value);
      if (json::key_is(*member, "thinking")) json::append_text(into.reasoning, member->value);
      if (json::key_is(*member, "done")) into.done = member->value == "true";
      if (json::key_is(*member, "done_reason")) reason = member->value;
      if (json::key_is(*member, "prompt_eval_count")) prompt = json::unsigned_number(member->value).value_or(0);
      if (json::key_is(*member, "eval_count")) completion = json::unsigned_number(member->value).value_or(0);
      if (json::key_is(*member, "error")) read_error(*member, into);
      if (!json::key_is(*member, "embeddings") || member->kind != Kind::array) continue;
      json::ArrayScan vectors{member->value};
      while (const std::optional<Member> vector = vectors.next()) {
        if (into.embeddings.size() == llm::kMostEmbeddings) break;
        into.embeddings.emplace_back(vector->value);
      }
    }
    into.malformed = scan.failed();
    if (into.done) into.finish = finish_of(reason);
    if (prompt > 0 || completion > 0) into.usage = llm::Usage{prompt, completion, llm::UsageSource::upstream};
  }

  std::string keep_alive_;
};

}  // namespace

Result<std::unique_ptr<const Converter>> make_ollama(const config::Endpoint& endpoint) {
  return std::unique_ptr<const Converter>{std::make_unique<const Ollama>(endpoint.keep_alive)};
}

}  // namespace intragate::dialect
