#include "prompt/guard.h"

#include <algorithm>
#include <array>

namespace intragate::prompt {
namespace {

constexpr std::string_view kUnseen = "\u200B";

constexpr std::array<std::string_view, 26> kCommon{"<s>",
                                                   "</s>",
                                                   "<bos>",
                                                   "<eos>",
                                                   "<pad>",
                                                   "<unk>",
                                                   "[INST]",
                                                   "[/INST]",
                                                   "<<SYS>>",
                                                   "<</SYS>>",
                                                   "<start_of_turn>",
                                                   "<end_of_turn>",
                                                   "<|im_start|>",
                                                   "<|im_end|>",
                                                   "<|endoftext|>",
                                                   "<|eot_id|>",
                                                   "<|eom_id|>",
                                                   "<|start_header_id|>",
                                                   "<|begin_of_text|>",
                                                   "<|end_header_id|>",
                                                   "<|end_of_text|>",
                                                   "<|python_tag|>",
                                                   "[AVAILABLE_TOOLS]",
                                                   "[/AVAILABLE_TOOLS]",
                                                   "[TOOL_RESULTS]",
                                                   "[/TOOL_RESULTS]"};

std::size_t first_character_size(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) ++size;
  return size;
}

// How long the special token is that begins here; 0: none.
std::size_t special_at(std::string_view text, std::span<const std::string> special) {
  std::size_t longest = 0;
  for (const std::string& token : special) {
    if (token.size() > longest && text.starts_with(token)) longest = token.size();
  }
  return longest;
}

// Whether the text ends in the middle of a special token.
bool ends_within(std::string_view text, std::span<const std::string> special) {
  return std::any_of(special.begin(), special.end(), [text](const std::string& token) {
    for (std::size_t size = std::min(token.size() - 1, text.size()); size > 0; --size) {
      if (text.ends_with(std::string_view{token}.substr(0, size))) return true;
    }
    return false;
  });
}

std::array<bool, 256> first_bytes(std::span<const std::string> special) {
  std::array<bool, 256> out{};
  for (const std::string& token : special) out[static_cast<unsigned char>(token.front())] = true;
  return out;
}

// The texts of a message's parts come one behind the other in the prompt: none may end what the next one goes on with.
std::vector<jinja::Value> guarded_items(const std::vector<jinja::Value>& items, std::span<const std::string> special) {
  std::vector<jinja::Value> out;
  out.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool is_object = items[i].is(jinja::Value::Kind::object);
    const jinja::Value* const text = is_object ? items[i].object().find("text") : nullptr;
    const bool open = i + 1 < items.size() && text != nullptr && text->is(jinja::Value::Kind::string) &&
                      ends_within(text->string(), special);
    if (!open) {
      out.push_back(guarded(items[i], special));
      continue;
    }
    jinja::Object part = guarded(items[i], special).object();
    part.set("text", guarded_text(text->string(), special) + std::string{kUnseen});
    out.emplace_back(std::move(part));
  }
  return out;
}

}  // namespace

std::string guarded_text(std::string_view text, std::span<const std::string> special) {
  const std::array<bool, 256> begins = first_bytes(special);
  std::string out;
  out.reserve(text.size());
  std::size_t kept = 0;  // up to here everything is in `out`
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!begins[static_cast<unsigned char>(text[at])] || special_at(text.substr(at), special) == 0) continue;
    const std::size_t first = at + first_character_size(text.substr(at));
    out += text.substr(kept, first - kept);
    out += kUnseen;
    kept = first;
    at = first - 1;
  }
  return out += text.substr(kept);
}

jinja::Value guarded(const jinja::Value& value, std::span<const std::string> special) {
  using Kind = jinja::Value::Kind;
  switch (value.kind()) {
    case Kind::string: {
      std::string text = guarded_text(value.string(), special);
      return text.size() == value.string().size() ? value : jinja::Value{std::move(text)};
    }
    case Kind::list: return guarded_items(value.list(), special);
    case Kind::object: {
      jinja::Object out;
      for (const auto& [key, item] : value.object().entries())
        out.set(guarded_text(key, special), guarded(item, special));
      return out;
    }
    default: return value;
  }
}

std::vector<std::string> marks_in(std::string_view source) {
  constexpr std::size_t kLongest = 64;
  std::vector<std::string> out{kCommon.begin(), kCommon.end()};
  const std::pair<std::string_view, std::string_view> brackets[] = {{"<|", "|>"}, {"<｜", "｜>"}};
  for (const auto& [open, close] : brackets) {
    for (std::size_t at = source.find(open); at != std::string_view::npos; at = source.find(open, at + 1)) {
      const std::size_t end = source.substr(at, kLongest).find(close, open.size());
      if (end == std::string_view::npos) continue;
      const std::string_view mark = source.substr(at, end + close.size());
      if (mark.find_first_of(" \n\t'\"") == std::string_view::npos) out.emplace_back(mark);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace intragate::prompt
