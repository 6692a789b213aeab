// Templates: whatever is written, it is refused or rendered within its limits, and twice to the same text. Input: a
// template, a zero byte, and the JSON of its variables.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "jinja/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intragate;
  using namespace intragate::jinja;
  using fuzz::require;
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::size_t zero = std::min(input.find('\0'), size);
  const std::string_view json = input.substr(std::min(zero + 1, size));
  Result<Value> context = from_json(json);
  const Object variables = context && context->is(Value::Kind::object) ? context->object() : Object{};
  for (const Spacing spacing : {Spacing{}, Template::kChat}) {
    const Result<Template> made = Template::compile(input.substr(0, zero), spacing);
    if (!made) continue;
    const Limits limits{.steps = 20'000, .made = 256 * 1024, .output = 64 * 1024, .depth = 200};
    const Result<std::string> text = made->render(variables, WallTime{}, limits);
    const Result<std::string> again = made->render(variables, WallTime{}, limits);
    require(static_cast<bool>(text) == static_cast<bool>(again), "a template ends the same way every time");
    require(!text || *text == *again, "and writes the same text");
    require(!text || text->size() <= limits.output, "within its limit");
  }
  return 0;
}
