// The body of a request to an interface that is described rather than programmed: a template that makes JSON of the
// request's values. What clients write cannot leave the string that it belongs to: make() tries the template with texts
// full of quotes, backslashes, braces and line ends, and refuses one that lets any of them through (`tojson` is
// missing). Owner: a lane's configuration, unchanged for ever. Thread: any number may render at once. Does not: look at
// what the body means. Rule: only the names of kBodyNames are defined, each of the kind it says.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "jinja/template.h"

namespace intragate::prompt {

// What stands in a body's template. Numbers are numbers and flags flags, whatever a client sent; everything else may
// hold any text.
struct BodyName {
  enum class Kind : std::uint8_t { text, number, flag, texts, json } kind = Kind::text;
  std::string_view name;
  bool always = false;  // otherwise only when the client sent it: `| default(…)`, `is defined`
};
inline constexpr auto kBodyNames = std::to_array<BodyName>({
    {BodyName::Kind::text, "api", true},
    {BodyName::Kind::text, "model", true},
    {BodyName::Kind::text, "prompt", true},
    {BodyName::Kind::text, "bos", true},
    {BodyName::Kind::json, "messages", true},
    {BodyName::Kind::flag, "stream", true},
    {BodyName::Kind::texts, "stop", true},
    {BodyName::Kind::number, "max_tokens"},
    {BodyName::Kind::number, "temperature"},
    {BodyName::Kind::number, "top_p"},
    {BodyName::Kind::number, "top_k"},
    {BodyName::Kind::number, "min_p"},
    {BodyName::Kind::number, "seed"},
    {BodyName::Kind::number, "presence_penalty"},
    {BodyName::Kind::number, "frequency_penalty"},
    {BodyName::Kind::number, "repetition_penalty"},
    {BodyName::Kind::json, "tools"},
    {BodyName::Kind::json, "tool_choice"},
    {BodyName::Kind::json, "response_format"},
    {BodyName::Kind::json, "chat_template_kwargs"},
    {BodyName::Kind::text, "user"},
});

class BodyTemplate {
 public:
  // Errors: invalid_configuration, in a sentence for whoever wrote it.
  [[nodiscard]] static Result<BodyTemplate> make(std::string_view source);

  // `values`: by the names above. Errors: those of jinja::Template::render.
  [[nodiscard]] Result<std::string> render(const jinja::Object& values, WallTime now) const {
    return template_.render(values, now);
  }
  [[nodiscard]] bool uses(std::string_view name) const { return template_.uses(name); }

 private:
  explicit BodyTemplate(jinja::Template made) : template_{std::move(made)} {}
  jinja::Template template_;
};

}  // namespace intragate::prompt
