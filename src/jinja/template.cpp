#include "jinja/template.h"

#include <algorithm>

#include "jinja/parser.h"
#include "jinja/renderer.h"

namespace intragate::jinja {

Result<Template> Template::compile(std::string_view source, Spacing spacing) {
  Result<Syntax> syntax = parse(source, spacing);
  if (!syntax) return std::move(syntax).error();
  return Template{std::make_shared<const Syntax>(std::move(*syntax))};
}

Result<std::string> Template::render(const Object& context, WallTime now, const Limits& limits) const {
  Work work{limits, now};
  std::string text = Renderer{*syntax_, context, work}.run();
  if (work.failed()) return work.error();
  return text;
}

bool Template::uses(std::string_view name) const {
  return std::find(syntax_->names.begin(), syntax_->names.end(), name) != syntax_->names.end();
}

}  // namespace intragate::jinja
