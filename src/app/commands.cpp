#include "app/commands.h"

#include <cstdio>

#include "app/configuration.h"
#include "base/json_write.h"

namespace intragate::app {
namespace {

void print_problem(const config::Problem& problem, std::string& list) {
  json::Writer writer{list};
  if (!list.empty()) list += ",";
  writer.open_object()
      .text("file", problem.file)
      .number("line", std::int64_t{problem.line})
      .number("column", std::int64_t{problem.column})
      .text("message", problem.message)
      .text("suggestion", problem.suggestion)
      .close_object();
}

}  // namespace

std::string verdict_json(const config::Loaded& loaded) {
  std::string problems;
  for (const config::Problem& problem : loaded.problems) print_problem(problem, problems);
  std::string text;
  json::Writer writer{text};
  writer.open_object().flag("valid", loaded.ok()).raw("problems", "[" + problems + "]").open_array("warnings");
  for (const std::string& warning : loaded.config.warnings) writer.element(warning);
  writer.close_array().close_object();
  return text;
}

int validate(const std::string& file, Output output) {
  const config::Loaded loaded = load_configuration(file, {});
  if (output == Output::json) {
    std::printf("%s\n", verdict_json(loaded).c_str());
    return loaded.ok() ? 0 : 1;
  }
  for (const config::Problem& problem : loaded.problems) std::fprintf(stderr, "%s\n", problem.text().c_str());
  for (const std::string& warning : loaded.config.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  if (!loaded.ok()) return 1;
  std::printf("%s is valid: %zu models, %zu keys\n", file.c_str(), loaded.config.models.size(),
              loaded.config.keys.size());
  return 0;
}

int version(Output output) {
  if (output == Output::json) {
    std::printf("{\"version\":\"%s\"}\n", INTRAGATE_VERSION);
  } else {
    std::printf("intragate %s\n", INTRAGATE_VERSION);
  }
  return 0;
}

}  // namespace intragate::app
