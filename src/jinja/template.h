// A Jinja template: compiled once, rendered for any number of requests. Pure: no files, no network, no clock; what a
// rendering may cost is bounded in steps and bytes, never in time, and nothing a request holds can run code.
// Owner: the caller (a lane's configuration). Thread: compile on one, then any number may render at once.
// Does not: include other files, escape for HTML, change what it is given.
// Rule: Jinja 3.1 as Hugging Face's chat templates use it; docs/decisions/0021-jinja.md says what is left out.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "jinja/json.h"
#include "jinja/lexer.h"
#include "jinja/value.h"
#include "jinja/work.h"

namespace intragate::jinja {

struct Syntax;

class Template {
 public:
  // As apply_chat_template does it.
  static constexpr Spacing kChat{.trim_blocks = true, .lstrip_blocks = true};

  // Errors: invalid_configuration with the line and what is wrong there, for whoever wrote the template.
  [[nodiscard]] static Result<Template> compile(std::string_view source, Spacing spacing = {});

  // `context` holds the variables, `now` is what strftime_now() shows.
  // Errors: invalid_request when the template refuses (raise_exception) or the work is too much; internal when it does
  // something that makes no sense for this request (`detail` has the line).
  [[nodiscard]] Result<std::string> render(const Object& context, WallTime now, const Limits& limits = {}) const;

  // Whether the template ever speaks of a variable, e.g. `tools`.
  [[nodiscard]] bool uses(std::string_view name) const;

 private:
  explicit Template(std::shared_ptr<const Syntax> syntax) : syntax_{std::move(syntax)} {}
  std::shared_ptr<const Syntax> syntax_;
};

}  // namespace intragate::jinja
