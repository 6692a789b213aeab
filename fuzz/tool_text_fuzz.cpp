// Tool calls in a model's text: however it is cut, the same calls and the same text come out, no text is lost where no
// call was found, and every call's arguments are JSON. Input: the first byte chooses the form and the cuts.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_check.h"
#include "dialect/tool_text.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using dialect::ToolText;

struct Said {
  std::string text;
  std::string calls;
  bool operator==(const Said&) const = default;
};

Said read(config::ToolCalls form, std::string_view text, std::size_t piece) {
  ToolText tools{{.form = form, .names = {"f", "weather"}}};
  Said said;
  for (std::size_t at = 0;; at += piece) {
    const bool last = at + piece >= text.size();
    llm::Delta delta;
    delta.text = text.substr(std::min(at, text.size()), piece);
    tools.apply(delta, last ? ToolText::Piece::last : ToolText::Piece::more);
    said.text += delta.text;
    for (const llm::ToolPiece& call : delta.tools) {
      fuzz::require(!call.name.empty() && json::is_object(call.arguments), "a call has a name and arguments");
      said.calls += call.name + '\n' + call.arguments + '\n' + call.id + '\n';
    }
    if (last) return said;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using config::ToolCalls;
  constexpr ToolCalls kForms[] = {ToolCalls::hermes, ToolCalls::llama, ToolCalls::mistral, ToolCalls::deepseek};
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const ToolCalls form = kForms[data[0] % 4U];
  const Said whole = read(form, text, text.size() + 1);
  if (whole.calls.empty()) fuzz::require(whole.text == text, "without calls the text is as it was");
  fuzz::require(read(form, text, data[0] / 4U + 1U) == whole, "the same in pieces");
  return 0;
}
