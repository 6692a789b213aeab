// A request to a model in its meaning, for dialects that cannot pass the client's bytes on. Plain data: made by a
// client's dialect (dialect/openai_read.h), read by those towards models. Owner: one attempt. Does not: hold the body;
// views point into it, so it must outlive this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "llm/call.h"

namespace intragate::llm {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text, as the model wrote it
};

// A picture that came with the request; the gateway fetches none.
struct Image {
  std::string_view media_type;  // "image/png"
  std::string_view base64;
};

struct Message {
  std::string role;  // system, user, assistant, tool; `developer` is `system`
  std::string text;
  std::string reasoning;
  std::string name;
  std::string tool_call_id;
  std::vector<Image> images{};
  std::vector<ToolCall> tool_calls{};
};

// A top-level member that was not read: sampling, tools, formats. Raw JSON.
struct RawMember {
  std::string_view key;
  std::string_view value;
};

struct Request {
  Api api = Api::chat;
  bool stream = false;
  std::string model;  // the name the endpoint knows
  std::vector<Message> messages{};
  std::string prompt;                 // completions
  std::vector<std::string> inputs{};  // embeddings
  std::vector<std::string> stop{};
  std::optional<std::uint64_t> max_tokens;  // max_answer_tokens is in it
  std::uint64_t context_window = 0;         // of the model, 0: unknown
  std::vector<RawMember> members{};
  WallTime now{};  // when it came: some chat templates say which day it is

  // The raw value of a member; empty: absent or null.
  [[nodiscard]] std::string_view raw(std::string_view key) const {
    for (const RawMember& member : members) {
      if (member.key == key) return member.value == "null" ? std::string_view{} : member.value;
    }
    return {};
  }
  [[nodiscard]] bool asks(std::string_view key) const { return raw(key) == "true"; }
};

}  // namespace intragate::llm
