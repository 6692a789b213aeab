#include "app/audit_options.h"

#include "config/load.h"

namespace intragate::app {
namespace {

void add_place(CLI::App* command, AuditPlace& place) {
  CLI::Option* config =
      command->add_option("--config", place.config_file,
                          "YAML file of the gateway (default: $INTRAGATE_CONFIG, or else the .env quick start)");
  CLI::Option* env =
      command->add_option("--env-file", place.env_file, "variables of the quick start (default: ./.env)");
  CLI::Option* directory =
      command->add_option("--dir", place.directory, "a directory of audit files, in place of a configuration");
  directory->excludes(config)->excludes(env);
  env->excludes(config);
}

void add_filter(CLI::App* command, AuditQueryOptions& options) {
  audit::Filter& filter = options.filter;
  command->add_option("--since", options.since, "not before: 2026-11-28T10:00:00Z, 2026-11-28, or 2h (so long ago)");
  command->add_option("--until", options.until, "before, in the same forms");
  command->add_option("--from", filter.from, "from this record's number (`seq`) on");
  command->add_option("--to", filter.to, "up to this record's number");
  command->add_option("--id", filter.id, "only the call with this request id");
  command->add_option("--key", filter.key, "only this key's (an event: by this actor)");
  command->add_option("--user", filter.user, "only this end user's");
  command->add_option("--model", filter.model, "only this model's");
  command->add_option("--outcome", filter.outcome, "only those that ended so: ok, refused, upstream_error, …");
  CLI::Option* event = command->add_option("--event", filter.event, "only events of this name: start, reload, …");
  CLI::Option* calls = command->add_flag_callback(
      "--calls", [&filter] { filter.what = audit::Filter::What::calls; }, "calls only");
  command
      ->add_flag_callback(
          "--events", [&filter] { filter.what = audit::Filter::What::events; }, "events only")
      ->excludes(calls);
  event->excludes(calls);
}

AuditPlace inherited(AuditPlace place) {
  if (!place.config_file.empty() || !place.env_file.empty() || !place.directory.empty()) return place;
  const config::Environment environment = config::process_environment();
  const auto found = environment.find("INTRAGATE_CONFIG");
  if (found != environment.end()) place.config_file = found->second;
  return place;
}

void add_verify(CLI::App* audit, AuditCommands& commands) {
  commands.verify = audit->add_subcommand("verify", "is the chain whole: nothing changed, removed, moved, cut off");
  add_place(commands.verify, commands.verify_options.place);
  commands.verify->add_option("--key", commands.verify_options.key_file,
                              "file with the key that checks signatures (default: the configuration's audit.sign.key)");
  commands.verify->add_option("--from", commands.verify_options.from,
                              "accept what is broken before this record's number");
  commands.verify->add_flag("--json", commands.json, "print JSON");
}

void add_query(CLI::App* audit, AuditCommands& commands) {
  AuditQueryOptions& query = commands.query_options;
  commands.query = audit->add_subcommand("query", "records that match, the oldest first");
  add_place(commands.query, query.place);
  add_filter(commands.query, query);
  commands.query->add_option("--limit", query.limit, "at most so many");
  commands.query->add_flag_callback(
      "--json", [&query] { query.format = "jsonl"; }, "print the records as they are, one a line");

  AuditQueryOptions& write_out = commands.export_options;
  write_out.format = "jsonl";
  commands.write_out = audit->add_subcommand("export", "all fields of the records that match");
  add_place(commands.write_out, write_out.place);
  add_filter(commands.write_out, write_out);
  commands.write_out->add_option("--format", write_out.format, "jsonl (the default) or csv")
      ->check(CLI::IsMember({"jsonl", "csv"}));
  commands.write_out->add_option("--output", write_out.output_file, "a new file (default: standard output)");
}

void add_tail(CLI::App* audit, AuditCommands& commands) {
  AuditQueryOptions& tail = commands.tail_options;
  tail.limit = 10;
  commands.tail = audit->add_subcommand("tail", "the last records");
  add_place(commands.tail, tail.place);
  add_filter(commands.tail, tail);
  commands.tail->add_option("-n,--lines", tail.limit, "how many (default: 10)");
  commands.tail->add_flag("-f,--follow", tail.follow, "go on with those that come");
  commands.tail->add_flag_callback(
      "--json", [&tail] { tail.format = "jsonl"; }, "print the records as they are, one a line");
}

}  // namespace

void add_audit(CLI::App& app, AuditCommands& commands) {
  CLI::App* audit = app.add_subcommand("audit", "what is on record, and whether the record is whole");
  audit->require_subcommand(1);
  add_verify(audit, commands);
  add_query(audit, commands);
  add_tail(audit, commands);
}

std::optional<int> run_audit(AuditCommands& commands) {
  for (AuditPlace* place : {&commands.verify_options.place, &commands.query_options.place,
                            &commands.export_options.place, &commands.tail_options.place}) {
    *place = inherited(std::move(*place));
  }
  if (*commands.verify) return audit_verify(commands.verify_options, commands.json ? Output::json : Output::text);
  if (*commands.query) return audit_query(commands.query_options);
  if (*commands.write_out) return audit_query(commands.export_options);
  if (*commands.tail) return audit_tail(commands.tail_options);
  return std::nullopt;
}

}  // namespace intragate::app
