// The command line: what each verb takes. The verbs themselves are in commands.h and serve.h.
#include <CLI/CLI.hpp>

#include "app/audit_options.h"
#include "app/calls.h"
#include "app/check.h"
#include "app/commands.h"
#include "app/core_dumps.h"
#include "app/forward.h"
#include "app/keys.h"
#include "app/pki_line.h"
#include "app/serve.h"
#include "base/address.h"
#include "config/load.h"
#include "llm/live_call.h"

namespace {

using namespace intragate::app;

struct Arguments {
  ServeOptions serve;
  ExplainOptions explain;
  CheckOptions check;
  ForwardOptions forward;
  AdminOptions admin;
  intragate::llm::CallFilter calls;
  KeyWords key;
  std::string file;
  bool egress = false;
  bool json = false;
  [[nodiscard]] Output output() const { return json ? Output::json : Output::text; }
};

void add_json(CLI::App* command, Arguments& arguments) {
  command->add_flag("--json", arguments.json, "print JSON");
}

// INTRAGATE_CONFIG names the file when the command line names neither.
template <class Options>
Options with_inherited_file(Options options) {
  if (!options.config_file.empty() || !options.env_file.empty()) return options;
  const intragate::config::Environment environment = intragate::config::process_environment();
  const auto inherited = environment.find("INTRAGATE_CONFIG");
  if (inherited != environment.end()) options.config_file = inherited->second;
  return options;
}

// An empty name would mean any: that of a variable that is not set must not end every call.
void must_name_something(CLI::Option* option) {
  option->check(
      [](const std::string& text) { return text.empty() ? std::string{"must not be empty"} : std::string{}; });
}

std::string check_address(const std::string& text) {
  const intragate::Result<intragate::SocketAddress> address = intragate::SocketAddress::parse(text);
  return address ? std::string{} : address.error().message;
}

// What is shown to a running gateway, and what it has to show.
void add_proof(CLI::App* command, AdminOptions& options) {
  command->add_option("--token-file", options.token_file,
                      "file with the admin token (default: $INTRAGATE_ADMIN_TOKEN, or the configuration's)");
  CLI::Option* certificate = command->add_option("--cert", options.certificate, "administrator's certificate, PEM");
  CLI::Option* key = command->add_option("--cert-key", options.key, "its private key, PEM");
  certificate->needs(key);
  key->needs(certificate);
  command->add_option("--ca", options.ca, "who issued the gateway's certificate, PEM (default: the gateway's own)");
  must_name_something(command->add_option("--server-name", options.server_name,
                                          "name in the gateway's certificate (default: its address)"));
}

// Which running gateway a command talks to.
void add_admin(CLI::App* command, AdminOptions& options) {
  CLI::Option* file = command->add_option("--config", options.config_file,
                                          "YAML file the gateway runs with (default: $INTRAGATE_CONFIG, or else .env)");
  CLI::Option* env_file =
      command->add_option("--env-file", options.env_file, "variables of its quick start (default: ./.env)");
  CLI::Option* admin = command->add_option("--admin", options.admin, "its admin address, in place of a configuration");
  admin->check(check_address);
  admin->excludes(file)->excludes(env_file);
  env_file->excludes(file);
  add_proof(command, options);
}

struct CallsCommands {
  CLI::App* list;
  CLI::App* cancel;
};

CallsCommands add_calls(CLI::App& app, Arguments& arguments) {
  CLI::App* calls = app.add_subcommand("calls", "what the running gateway works at, and how to stop it");
  calls->require_subcommand(1);
  CLI::App* list = calls->add_subcommand("list", "calls under way, the oldest first");
  add_admin(list, arguments.admin);
  must_name_something(list->add_option("--user", arguments.calls.user, "only this end user's"));
  must_name_something(list->add_option("--key", arguments.calls.key, "only those of the key with this name"));
  must_name_something(list->add_option("--model", arguments.calls.model, "only this model's"));
  add_json(list, arguments);

  CLI::App* cancel = calls->add_subcommand("cancel", "end one call, or all of a user or a key");
  add_admin(cancel, arguments.admin);
  CLI::Option_group* which = cancel->add_option_group("which calls");
  CLI::Option* id = which->add_option("--id", arguments.calls.id, "the call with this request id");
  CLI::Option* user = which->add_option("--user", arguments.calls.user, "all of this end user");
  CLI::Option* key =
      which->add_option("--key", arguments.calls.key, "all of the key with this name; with --user: that user's only");
  id->excludes(user)->excludes(key);
  which->require_option(1, 2);
  for (CLI::Option* option : {id, user, key}) must_name_something(option);
  add_json(cancel, arguments);
  return {list, cancel};
}

CLI::App* add_check(CLI::App& app, Arguments& arguments) {
  CLI::App* check = app.add_subcommand("check", "would Dify be happy with this model endpoint");
  CheckOptions& options = arguments.check;
  check->add_option("TARGET", options.target, "base URL of a server, or a configuration file: all its endpoints")
      ->required();
  must_name_something(check->add_option("--model", options.model, "the model's name (default: the first one listed)"));
  check->add_option("--kind", options.kind, "what it does, where TARGET is a URL (default: chat)")
      ->check(CLI::IsMember({"chat", "completion", "embedding", "rerank", "transcription", "speech"}));
  check->add_option("--key-file", options.key_file, "file with the server's key (default: $INTRAGATE_CHECK_KEY)");
  check->add_option("--ca", options.ca_file,
                    "file with the authority of an https URL's certificate (default: the system's)");
  check->add_option("--at-once", options.most_at_once, "how many calls at once it may try (default: 8)")
      ->check(CLI::Range(1, 1024));
  check->add_option("--connections", options.connections, "how many connections it makes in all (default: 200)")
      ->check(CLI::Range(1, 10'000));
  add_json(check, arguments);
  return check;
}

using KeyVerb = intragate::admin::KeyRequest::Verb;

void add_new_key(CLI::App* create, KeyWords& key) {
  create->add_option("--models", key.models, "what it may use: names, patterns with *, !denied (default: *)")
      ->delimiter(',');
  create->add_option("--apis", key.apis, "what for: chat, embeddings and others, patterns with *, !denied (default: *)")
      ->delimiter(',');
  create->add_option("--allow", key.allow, "from where: addresses or ranges (default: any)")->delimiter(',');
  create->add_option("--expires", key.expires, "2027-01-01T00:00:00Z, or 90d from now (default: never)");
  create->add_flag("--trust-user", key.trust_user, "it may name its end users in `user`");
  create->add_option("--stream-usage", key.stream_usage, "asked or always: token counts at the end of streams");
  create->add_option("--while-waiting", key.while_waiting, "comments or interim: what waiting clients get");
}

// Each verb with its command.
using KeysCommands = std::vector<std::pair<CLI::App*, KeyVerb>>;

KeysCommands add_keys(CLI::App& app, Arguments& arguments) {
  CLI::App* keys = app.add_subcommand("keys", "who may call: keys besides those of the configuration file");
  keys->require_subcommand(1);
  KeysCommands commands;
  const auto add = [&](const char* name, const char* help, KeyVerb verb) {
    CLI::App* command = keys->add_subcommand(name, help);
    const bool one = std::string_view{name} != "list";
    if (one) must_name_something(command->add_option("NAME", arguments.key.name, "the key's name")->required());
    add_admin(command, arguments.admin);
    add_json(command, arguments);
    commands.emplace_back(command, verb);
    return command;
  };
  add_new_key(add("create", "make a key; the secret is shown this once", KeyVerb::create), arguments.key);
  add("list", "all keys, those of the file too", KeyVerb::list);
  add("show", "one key with its secrets' ids, never the secrets", KeyVerb::list);
  add("rotate", "a new secret; the old one works on for a while", KeyVerb::rotate)
      ->add_option("--grace", arguments.key.grace, "how long (default: 24h)");
  add("revoke", "end a key now and for good", KeyVerb::revoke);
  add("expire", "set when a key ends, or ends it now", KeyVerb::expire)
      ->add_option("--at", arguments.key.at, "2027-01-01T00:00:00Z, or 30d from now (default: now)");
  return commands;
}

CLI::App* add_forward(CLI::App& app, Arguments& arguments) {
  CLI::App* command =
      app.add_subcommand("forward", "a side-car that adds a client certificate, for clients that cannot (Dify)");
  ForwardOptions& options = arguments.forward;
  command->add_option("--listen", options.listen, "loopback address for plain HTTP (default: 127.0.0.1:8080)")
      ->check(check_address);
  command->add_option("--to", options.to, "the gateway: https://host[:port]")->required();
  CLI::Option* certificate = command->add_option("--cert", options.certificate, "client certificate, PEM");
  CLI::Option* key = command->add_option("--key", options.key, "its private key, PEM");
  certificate->needs(key);
  key->needs(certificate);
  command->add_option("--ca", options.ca, "who issued the gateway's certificate, PEM (default: the system's)");
  must_name_something(command->add_option("--server-name", options.server_name,
                                          "name in the gateway's certificate (default: the host of --to)"));
  return command;
}

// The gateway runs long: `to_serve` says how, and it starts when what the command line was read with is gone.
int run(int count, char** words, std::optional<ServeOptions>& to_serve) {
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
  validate_command->add_flag("--egress", arguments.egress, "list every address that the gateway would connect to");
  add_json(validate_command, arguments);

  CLI::App* explain_command = app.add_subcommand("explain", "dry run: what would happen to a request");
  explain_command->add_option("FILE", arguments.explain.file, "configuration file")->required();
  explain_command->add_option("REQUEST", arguments.explain.request_file, "request body as JSON (- for standard input)")
      ->required();
  explain_command->add_option("--key", arguments.explain.key, "name of the key that asks (default: any)");
  explain_command->add_option("--path", arguments.explain.path, "URL path (default: /v1/chat/completions)");
  add_proof(explain_command, arguments.explain.gateway);
  add_json(explain_command, arguments);

  const CLI::App* forward_command = add_forward(app, arguments);
  const CLI::App* check_command = add_check(app, arguments);
  const CallsCommands calls = add_calls(app, arguments);
  const PkiLine pki{app};
  AuditCommands audit;
  add_audit(app, audit);

  const KeysCommands keys_commands = add_keys(app, arguments);

  CLI::App* version_command = app.add_subcommand("version", "print the version");
  add_json(version_command, arguments);

  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& wrong) {
    const int code = app.exit(wrong);
    return code == 0 ? 0 : 2;  // --help is no error
  }
  if (*serve_command) to_serve = with_inherited_file(arguments.serve);
  if (to_serve) return 0;
  if (*validate_command && arguments.egress) return validate_egress(arguments.file, arguments.output());
  if (*validate_command) return validate(arguments.file, arguments.output());
  if (*explain_command) return explain(arguments.explain, arguments.output());
  if (*check_command) return check(arguments.check, arguments.output());
  if (*forward_command) return forward(arguments.forward);
  if (*calls.list) return calls_list(with_inherited_file(arguments.admin), arguments.calls, arguments.output());
  if (*calls.cancel) return calls_cancel(with_inherited_file(arguments.admin), arguments.calls, arguments.output());
  for (const auto& [command, verb] : keys_commands) {
    if (*command) return keys(with_inherited_file(arguments.admin), verb, arguments.key, arguments.output());
  }
  if (const std::optional<int> code = pki.run()) return *code;
  if (const std::optional<int> code = run_audit(audit)) return *code;
  return version(arguments.output());
}

}  // namespace

int main(int count, char** words) {
  forbid_core_dumps();
  try {
    std::optional<ServeOptions> to_serve;
    const int code = run(count, words, to_serve);
    return to_serve ? serve(*to_serve) : code;
  } catch (const std::exception& stray) {
    std::fprintf(stderr, "intragate: %s\n", stray.what());
    return 1;
  }
}
