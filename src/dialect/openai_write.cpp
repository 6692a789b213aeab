#include "dialect/openai_write.h"

#include <bit>
#include <charconv>

#include "base/base64.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

void append_named(std::string& out, std::string_view key, std::string_view text) {
  out += key;
  json::append_string(out, text);
}

std::string_view object_name(llm::Api api, bool whole) {
  if (api == llm::Api::embeddings) return "list";
  if (api == llm::Api::completions) return "text_completion";
  return whole ? "chat.completion" : "chat.completion.chunk";
}

std::string head_of(const AnswerName& name, bool whole) {
  std::string head = "{\"id\":";
  json::append_string(head, (name.api == llm::Api::chat ? "chatcmpl-" : "cmpl-") + name.id);
  head += ",\"object\":\"";
  head += object_name(name.api, whole);
  head += "\",\"created\":" + std::to_string(name.created);
  append_named(head, ",\"model\":", name.model);
  head += ",\"choices\":[";
  return head;
}

void append_usage(const llm::Usage& usage, std::string& out) {
  json::Writer json{out};
  json.open_object().number("prompt_tokens", static_cast<std::int64_t>(usage.prompt_tokens));
  json.number("completion_tokens", static_cast<std::int64_t>(usage.completion_tokens));
  json.number("total_tokens", static_cast<std::int64_t>(usage.prompt_tokens + usage.completion_tokens));
  json.close_object();
}

// The number a tool call is known by, and its id.
void settle_tool(llm::ToolPiece& tool, int& begun, std::string_view answer) {
  if (tool.index < 0) tool.index = tool.name.empty() && begun > 0 ? begun - 1 : begun;
  if (tool.index < begun) return;
  begun = tool.index + 1;
  if (tool.id.empty()) tool.id = "call_" + std::string{answer} + "_" + std::to_string(tool.index);
}

void append_tool(const llm::ToolPiece& tool, bool numbered, std::string& out) {
  out += '{';
  if (numbered) out += "\"index\":" + std::to_string(tool.index) + ',';
  if (!tool.id.empty()) append_named(out, "\"id\":", tool.id);
  if (!tool.id.empty()) out += R"(,"type":"function",)";
  out += "\"function\":{";
  if (!tool.name.empty()) {
    append_named(out, "\"name\":", tool.name);
    out += ',';
  }
  append_named(out, "\"arguments\":", tool.arguments);
  out += "}}";
}

// What ends an answer that calls tools is "tool_calls", whatever the model's server calls it.
std::string_view finish_of(std::string_view finish, int tools) {
  return tools > 0 && (finish == "stop" || finish.empty()) ? "tool_calls" : finish;
}

// The floats of a JSON array of numbers, as their bytes.
std::string floats_of(std::string_view array) {
  std::string bytes;
  json::ArrayScan scan{array};
  while (const std::optional<json::Member> number = scan.next()) {
    float value = 0;
    const std::string_view text = number->value;
    (void)std::from_chars(text.data(), text.data() + text.size(), value);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift);
  }
  return bytes;
}

}  // namespace

ChunkWriter::ChunkWriter(const AnswerName& name) : head_{head_of(name, false)}, id_{name.id}, api_{name.api} {}

void ChunkWriter::write(llm::Delta& delta, std::string& out) {
  if (!delta.says_something() && delta.finish.empty()) return;
  out += head_;
  if (api_ == llm::Api::completions) {
    append_named(out, "{\"index\":0,\"text\":", delta.text);
  } else {
    out += "{\"index\":0,\"delta\":{";
    std::string_view comma;
    const auto add = [&](std::string_view key, std::string_view text) {
      out += comma;
      append_named(out, key, text);
      comma = ",";
    };
    if (!begun_) add("\"role\":", "assistant");
    if (!delta.reasoning.empty()) add("\"reasoning_content\":", delta.reasoning);
    if (!delta.text.empty() || (!begun_ && delta.tools.empty())) add("\"content\":", delta.text);
    if (!delta.tools.empty()) {
      out += comma;
      write_tools(delta, out);
    }
    out += '}';
  }
  begun_ = true;
  write_finish(delta.finish, out);
  out += "}]}";
}

void ChunkWriter::write_tools(llm::Delta& delta, std::string& out) {
  out += "\"tool_calls\":[";
  for (std::size_t i = 0; i < delta.tools.size(); ++i) {
    if (i > 0) out += ',';
    settle_tool(delta.tools[i], tools_, id_);
    append_tool(delta.tools[i], true, out);
  }
  out += ']';
}

void ChunkWriter::write_finish(std::string_view finish, std::string& out) {
  out += ",\"finish_reason\":";
  if (finish.empty()) {
    out += "null";
    return;
  }
  finished_ = true;
  json::append_string(out, finish_of(finish, tools_));
}

void ChunkWriter::write_usage(const llm::Usage& usage, std::string& out) const {
  out += head_;
  out += "],\"usage\":";
  append_usage(usage, out);
  out += '}';
}

std::string encode_answer(const AnswerName& name, llm::Delta& delta) {
  std::string out = head_of(name, true);
  int tools = 0;
  if (name.api == llm::Api::completions) {
    append_named(out, "{\"index\":0,\"text\":", delta.text);
  } else {
    out += R"({"index":0,"message":{"role":"assistant")";
    append_named(out, ",\"content\":", delta.text);
    if (!delta.reasoning.empty()) append_named(out, ",\"reasoning_content\":", delta.reasoning);
    if (!delta.tools.empty()) out += ",\"tool_calls\":[";
    for (std::size_t i = 0; i < delta.tools.size(); ++i) {
      if (i > 0) out += ',';
      settle_tool(delta.tools[i], tools, name.id);
      append_tool(delta.tools[i], false, out);
    }
    if (!delta.tools.empty()) out += ']';
    out += '}';
  }
  const std::string_view finish = finish_of(delta.finish, tools);
  append_named(out, ",\"logprobs\":null,\"finish_reason\":", finish.empty() ? "stop" : finish);
  out += "}]";
  if (delta.usage) {
    out += ",\"usage\":";
    append_usage(*delta.usage, out);
  }
  out += '}';
  return out;
}

std::string encode_embeddings(const AnswerName& name, const llm::Delta& delta, Vectors vectors) {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < delta.embeddings.size(); ++i) {
    if (i > 0) out += ',';
    out += R"({"object":"embedding","index":)" + std::to_string(i) + ",\"embedding\":";
    if (vectors == Vectors::numbers) {
      out += delta.embeddings[i];
    } else {
      out += '"' + base64(floats_of(delta.embeddings[i])) + '"';
    }
    out += '}';
  }
  append_named(out, "],\"model\":", name.model);
  const llm::Usage usage = delta.usage.value_or(llm::Usage{});
  out += ",\"usage\":{\"prompt_tokens\":" + std::to_string(usage.prompt_tokens) +
         ",\"total_tokens\":" + std::to_string(usage.prompt_tokens) + "}}";
  return out;
}

std::string encode_told(std::string_view type, std::string_view code, std::string_view words) {
  constexpr std::size_t kMost = 600;  // escapes may make it longer
  std::string message{words.substr(0, kMost)};
  std::string out;
  for (std::size_t most = kMost; out.empty() || (out.size() > 1023 && most > 0); most /= 2) {
    out.clear();
    message.resize(std::min(message.size(), most));
    json::Writer json{out};
    json.open_object().open_object("error").text("message", message).text("type", type);
    json.null("param").text("code", code).close_object().close_object();
  }
  return out;
}

std::string encode_refusal(int status, std::string_view words) {
  return encode_told(status >= 400 && status < 500 ? "invalid_request_error" : "upstream_error", "upstream_status",
                     words.empty() ? "The model refused this request." : words);
}

}  // namespace intragate::dialect::openai
