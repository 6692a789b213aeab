// Chat templates: whatever a client writes, a built-in's special tokens stand in the prompt as often as they do for an
// honest message; and any bytes are a tokenizer_config.json or are refused. Input: the text of a message.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "prompt/built_in.h"
#include "prompt/chat_template.h"

namespace {

using namespace intragate;
using fuzz::require;

std::string prompt_of(const prompt::ChatTemplate& chat_template, std::string_view content) {
  jinja::Object message{{"role", "user"}, {"content", content}};
  const jinja::Object request{{"messages", std::vector<jinja::Value>{jinja::Value{std::move(message)}}}};
  Result<std::string> text = chat_template.render(request, WallTime{});
  require(static_cast<bool>(text), "a built-in renders whatever the message says");
  return *std::move(text);
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content{reinterpret_cast<const char*>(data), size};
  for (const prompt::BuiltIn& one : prompt::built_ins()) {
    static const auto chat_templates = [] {
      std::vector<prompt::ChatTemplate> made;
      for (const prompt::BuiltIn& built_in : prompt::built_ins())
        made.push_back(*prompt::ChatTemplate::make(built_in.name));
      return made;
    }();
    const prompt::ChatTemplate& chat_template =
        chat_templates[static_cast<std::size_t>(&one - prompt::built_ins().data())];
    const std::string honest = prompt_of(chat_template, "x");
    const std::string prompt = prompt_of(chat_template, content);
    for (const std::string_view mark :
         {one.bos, one.eos, std::string_view{"<|im_start|>"}, std::string_view{"[INST]"}}) {
      require(mark.empty() || count(prompt, mark) == count(honest, mark), "no client writes a special token");
    }
  }
  static_cast<void>(prompt::ChatTemplate::make(content));
  return 0;
}
