// Renders templates for test_jinja.py: a line of JSON in, {"template", "context", "chat"}; a line of JSON out, {"text"}
// or {"error"}.
#include <iostream>
#include <string>

#include "jinja/print.h"
#include "jinja/template.h"

namespace {

using namespace intragate;
using namespace intragate::jinja;

constexpr WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 7} + std::chrono::hours{13} +
                        std::chrono::seconds{5}};

Result<std::string> answer(const std::string& line) {
  Result<Value> question = from_json(line);
  if (!question) return std::move(question).error();
  const Object& fields = question->object();
  const Spacing spacing = fields.find("chat")->truth() ? Template::kChat : Spacing{};
  Result<Template> made = Template::compile(fields.find("template")->string(), spacing);
  if (!made) return std::move(made).error();
  return made->render(fields.find("context")->object(), kNow);
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    Result<std::string> text = answer(line);
    Object out;
    if (text) {
      out.set("text", std::move(*text));
    } else {
      out.set("error", text.error().message + " | " + text.error().detail);
    }
    Work work{{}, kNow};
    std::string json;
    append_json(json, Value{std::move(out)}, {.indent = {}, .only_ascii = true}, work);
    std::cout << json << std::endl;
  }
}
