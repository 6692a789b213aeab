// The command line: what each verb takes. The verbs themselves are in commands.h and serve.h.
#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/serve.h"
#include "config/load.h"

namespace {

using namespace intragate::app;

struct Arguments {
  ServeOptions serve;
  ExplainOptions explain;
  std::string file;
  bool json = false;
  [[nodiscard]] Output output() const { return json ? Output::json : Output::text; }
};

void add_json(CLI::App* command, Arguments& arguments) {
  command->add_flag("--json", arguments.json, "print JSON");
}

// INTRAGATE_CONFIG names the file when the command line names neither.
ServeOptions with_inherited_file(ServeOptions options) {
  if (!options.config_file.empty() || !options.env_file.empty()) return options;
  const intragate::config::Environment environment = intragate::config::process_environment();
  const auto inherited = environment.find("INTRAGATE_CONFIG");
  if (inherited != environment.end()) options.config_file = inherited->second;
  return options;
}

int run(int count, char** words) {
  CLI::App app{"intragate: between Dify, or any OpenAI client, and private models"};
  app.require_subcommand(1);
  app.set_version_flag("--version", INTRAGATE_VERSION);
  app.set_help_all_flag("--help-all", "help for every command");
  Arguments arguments;

  CLI::App* serve_command = app.add_subcommand("serve", "run the gateway");
  CLI::Option* config_file = serve_command->add_option(
      "--config", arguments.serve.config_file, "YAML file (default: $INTRAGATE_CONFIG, or else the .env quick start)");
  serve_command->add_option("--env-file", arguments.serve.env_file, "variables of the quick start (default: ./.env)")
      ->excludes(config_file);

  CLI::App* validate_command = app.add_subcommand("validate", "check a configuration file");
  validate_command->add_option("FILE", arguments.file, "the file")->required();
  add_json(validate_command, arguments);

  CLI::App* explain_command = app.add_subcommand("explain", "dry run: what would happen to a request");
  explain_command->add_option("FILE", arguments.explain.file, "configuration file")->required();
  explain_command->add_option("REQUEST", arguments.explain.request_file, "request body as JSON (- for standard input)")
      ->required();
  explain_command->add_option("--key", arguments.explain.key, "name of the key that asks (default: any)");
  explain_command->add_option("--path", arguments.explain.path, "URL path (default: /v1/chat/completions)");
  add_json(explain_command, arguments);

  CLI::App* version_command = app.add_subcommand("version", "print the version");
  add_json(version_command, arguments);

  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& wrong) {
    const int code = app.exit(wrong);
    return code == 0 ? 0 : 2;  // --help is no error
  }
  if (*serve_command) return serve(with_inherited_file(arguments.serve));
  if (*validate_command) return validate(arguments.file, arguments.output());
  if (*explain_command) return explain(arguments.explain, arguments.output());
  return version(arguments.output());
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& stray) {
    std::fprintf(stderr, "intragate: %s\n", stray.what());
    return 1;
  }
}
