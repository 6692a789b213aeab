#include "app/keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "admin/query.h"
#include "app/admin_file.h"
#include "app/configuration.h"
#include "app/key_office.h"
#include "app/table.h"
#include "audit/writer.h"
#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::app {
namespace {

using Verb = admin::KeyRequest::Verb;

void append_list(json::Writer& writer, std::string_view name, const std::vector<std::string>& list) {
  if (list.empty()) return;
  writer.open_array(name);
  for (const std::string& entry : list) writer.element(entry);
  writer.close_array();
}

// The body of the admin API's request. A gateway that runs and this program read it alike.
std::string body_of(const KeyWords& words) {
  std::string body;
  json::Writer writer{body};
  writer.open_object().text("name", words.name);
  append_list(writer, "models", words.models);
  append_list(writer, "apis", words.apis);
  append_list(writer, "allow", words.allow);
  if (words.trust_user) writer.flag("trust_user", true);
  using Text = std::pair<std::string_view, const std::string&>;
  for (const auto& [name, text] : {Text{"stream_usage", words.stream_usage}, Text{"while_waiting", words.while_waiting},
                                   Text{"expires", words.expires}, Text{"at", words.at}, Text{"grace", words.grace}}) {
    if (!text.empty()) writer.text(name, text);
  }
  writer.close_object();
  return body;
}

Result<AdminAnswer> ask_gateway(const RunningGateway& gateway, Verb verb, const KeyWords& words) {
  AdminRequest request{.to = gateway.address,
                       .tls = gateway.tls,
                       .token = gateway.token,
                       .method = "GET",
                       .target = "/keys",
                       .body = {}};
  if (verb == Verb::list) {
    if (!words.name.empty()) request.target += "?name=" + admin::encoded(words.name);
    return ask_admin(request);
  }
  request.method = "POST";
  request.target += "/" + std::string{admin::verb_name(verb)};
  request.body = body_of(words);
  return ask_admin(request);
}

// Files that root makes in somebody else's folder could not be read by the gateway.
std::optional<std::string> wrong_user(const std::string& data_dir) {
  struct stat state {};
  if (::stat(data_dir.c_str(), &state) != 0 || state.st_uid == ::geteuid()) return std::nullopt;
  return "the data directory " + data_dir + " belongs to another user; run this as that user (uid " +
         std::to_string(state.st_uid) + ")";
}

// A change without a gateway stands in the same chain of records.
void put_on_record(const config::Config& config, Verb verb, const admin::KeyAnswer& answer) {
  Result<std::unique_ptr<audit::Writer>> writer =
      audit::Writer::open({.directory = (std::filesystem::path{config.data_dir} / "audit").string()});
  if (!writer) {
    std::fprintf(stderr, "intragate: done, but not on record: %s\n", writer.error().message.c_str());
    return;
  }
  const std::string name = "keys." + std::string{admin::verb_name(verb)};
  (*writer)->note({.name = name, .actor = "command", .detail = answer.detail});
  (*writer)->stop();
}

Result<AdminAnswer> ask_store(const config::Config& config, Verb verb, const KeyWords& words) {
  const WallTime now = std::chrono::system_clock::now();
  admin::KeyRequest request;
  request.name = words.name;
  if (verb != Verb::list) {
    Result<admin::KeyRequest> read = admin::read_key_body(verb, body_of(words), now);
    if (!read) return std::move(read).error();
    request = *std::move(read);
    if (const auto wrong = wrong_user(config.data_dir)) return make_error(Code::io, *wrong);
  }
  const std::string path = store_path(config);
  const bool exists = std::filesystem::exists(std::filesystem::symlink_status(path));
  std::optional<store::Database> database;
  if (exists || verb == Verb::create) {
    if (verb == Verb::create) {
      Result<Unit> prepared = prepare_data_dir(config.data_dir);
      if (!prepared) return std::move(prepared).error();
    }
    Result<store::Database> opened = open_store(path);
    if (!opened) return std::move(opened).error();
    database.emplace(*std::move(opened));
  }
  admin::KeyAnswer answer = answer_keys(database ? &*database : nullptr, request, {config, nullptr, now});
  if (verb != Verb::list && answer.ok()) put_on_record(config, verb, answer);
  return AdminAnswer{answer.status, std::move(answer.body)};
}

Result<AdminAnswer> ask(const AdminOptions& options, Verb verb, const KeyWords& words) {
  if (!options.admin.empty()) {
    Result<RunningGateway> gateway = find_gateway(options);
    if (!gateway) return std::move(gateway).error();
    return ask_gateway(*gateway, verb, words);
  }
  config::Loaded loaded = load_configuration(options.config_file, options.env_file);
  if (!loaded.ok()) return make_error(Code::invalid_configuration, loaded.problems.front().text());
  if (!gateway_runs(loaded.config.data_dir)) return ask_store(loaded.config, verb, words);
  Result<RunningGateway> gateway = find_gateway(options, loaded.config);
  if (!gateway) return std::move(gateway).error();
  return ask_gateway(*gateway, verb, words);
}

// --- what is shown

// The member of an object, unescaped if it is a string; empty: none, or null.
std::string member_of(std::string_view object, std::string_view name) {
  json::ObjectScan scan{object};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->key != name || member->kind == json::Kind::null) continue;
    return std::string{member->value};
  }
  return {};
}

std::string words_of_list(const std::string& list) {
  std::string words;
  json::ArrayScan scan{list};
  while (const std::optional<json::Member> entry = scan.next()) {
    words += (words.empty() ? "" : ",") + cell_of(entry->value);
  }
  return words.empty() ? "none" : words;
}

// The newest secret's member.
std::string of_secret(std::string_view key, std::string_view name) {
  const std::string secrets = member_of(key, "secrets");
  json::ArrayScan scan{secrets};
  const std::optional<json::Member> newest = scan.next();
  return newest ? cell_of(member_of(newest->value, name)) : "-";
}

void print_list(std::string_view list) {
  std::vector<Row> rows{
      {"NAME", "SOURCE", "STATE", "SECRET", "KEY ID", "MODELS", "ROTATE BEFORE", "EXPIRES", "LAST USED"}};
  json::ArrayScan scan{list};
  while (const std::optional<json::Member> key = scan.next()) {
    const auto cell = [&](std::string_view name) { return cell_of(member_of(key->value, name)); };
    const std::string prefix = of_secret(key->value, "prefix");
    rows.push_back({cell("name"), cell("source"), cell("state"), prefix == "-" ? prefix : prefix + "…",
                    of_secret(key->value, "key_id"), words_of_list(member_of(key->value, "models")),
                    cell("rotate_before"), cell("expires"), cell("last_used")});
  }
  print_table(rows);
}

void print_one(std::string_view key) {
  json::ObjectScan scan{key};
  while (const std::optional<json::Member> member = scan.next()) {
    const std::string name = std::string{member->key} + ":";
    if (member->key != "secrets") {
      const bool list = member->kind == json::Kind::array;
      const std::string value = member->kind == json::Kind::null ? "-"
                                : list                           ? words_of_list(std::string{member->value})
                                                                 : cell_of(member->value);
      std::printf("%-15s %s\n", name.c_str(), value.c_str());
      continue;
    }
    json::ArrayScan secrets{member->value};
    while (const std::optional<json::Member> secret = secrets.next()) {
      const auto of = [&](std::string_view part) { return cell_of(member_of(secret->value, part)); };
      std::printf("%-15s %s… key_id %s, made %s, works until %s, last used %s\n", "secret:", of("prefix").c_str(),
                  of("key_id").c_str(), of("created").c_str(), of("works_until").c_str(), of("last_used").c_str());
    }
  }
}

void print_change(Verb verb, const KeyWords& words, std::string_view key) {
  const std::string secret = member_of(key, "key");
  if (!secret.empty()) {
    std::printf("%s\n", cell_of(secret).c_str());
    std::fflush(stdout);
    std::fprintf(stderr, "intragate: this is the only time the key %s is shown\n", words.name.c_str());
    return;
  }
  const std::string state = cell_of(member_of(key, "state"));
  if (verb == Verb::revoke) std::printf("%s is revoked\n", words.name.c_str());
  if (verb == Verb::expire) {
    std::printf("%s expires %s (%s)\n", words.name.c_str(), cell_of(member_of(key, "expires")).c_str(), state.c_str());
  }
}

void print_answer(Verb verb, const KeyWords& words, const std::string& body) {
  if (verb != Verb::list) return print_change(verb, words, body);
  return words.name.empty() ? print_list(body) : print_one(body);
}

// What `show` is about: the only one of the list.
std::string first_of(const std::string& list) {
  json::ArrayScan scan{list};
  const std::optional<json::Member> first = scan.next();
  return first ? std::string{first->value} + "\n" : list;
}

}  // namespace

int keys(const AdminOptions& gateway, Verb verb, const KeyWords& words, Output output) {
  Result<AdminAnswer> answer = ask(gateway, verb, words);
  if (!answer) return say_no(answer.error().message);
  if (answer->status != 200) return say_no(refusal_in(*answer));
  if (verb == Verb::list && !words.name.empty()) answer->body = first_of(answer->body);
  if (output == Output::json) {
    std::fputs(answer->body.c_str(), stdout);
  } else {
    print_answer(verb, words, answer->body);
  }
  return 0;
}

}  // namespace intragate::app
