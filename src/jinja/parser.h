// Makes a template's syntax of its words. Owner: none; one function. Thread: any.
// Does not: include, import or extend other files, nor call blocks: a template stands alone, and what is not known here
// is refused when it is read, not when it is used.
// Rule: Jinja 3.1, `jinja2/parser.py`; `{% break %}`, `{% continue %}` and Hugging Face's `{% generation %}` are read.
#pragma once

#include "base/result.h"
#include "jinja/lexer.h"
#include "jinja/syntax.h"

namespace intragate::jinja {

// Errors: invalid_configuration, with the line.
[[nodiscard]] Result<Syntax> parse(std::string_view source, Spacing spacing);

}  // namespace intragate::jinja
