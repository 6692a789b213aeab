#include "app/serve.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>

#include "app/admin_file.h"
#include "app/configuration.h"
#include "app/gateway.h"
#include "app/housekeeping.h"
#include "base/log.h"

namespace intragate::app {
namespace {

constexpr Duration kDiscoveryPatience = std::chrono::seconds{3};

log::Level log_level(config::LogLevel level) {
  return static_cast<log::Level>(level);
}

int cannot_start(const std::string& reason) {
  std::fprintf(stderr, "intragate: %s\n", reason.c_str());
  return 1;
}

// Every thread inherits this: signals wait for the main thread to fetch them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// 10,000 connections are 20,000 descriptors; the soft limit is often 1,024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The state of a file as far as a change is concerned.
struct Stamp {
  timespec modified{};
  ino_t inode = 0;
  off_t size = 0;
  friend bool operator==(const Stamp& a, const Stamp& b) {
    return a.modified.tv_sec == b.modified.tv_sec && a.modified.tv_nsec == b.modified.tv_nsec && a.inode == b.inode &&
           a.size == b.size;
  }
};

std::string watched_file(const ServeOptions& options) {
  if (!options.config_file.empty()) return options.config_file;
  return options.env_file.empty() ? std::string{kDefaultEnvFile} : options.env_file;
}

// Files whose change is a change of the configuration, as they were when they were last read.
using Seen = std::map<std::string, Stamp>;

Stamp stamp_of(const std::string& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) return {};
  return {state.st_mtim, state.st_ino, state.st_size};
}

// Five lines: where it listens, what it found, where data lies.
void say_what_runs(const Gateway& gateway) {
  const std::vector<std::string> silent = gateway.silent_endpoints();
  const auto snapshot = gateway.snapshot();
  std::string models;
  for (const auto& lane : snapshot->listed) models += (models.empty() ? "" : ", ") + lane->name;
  if (models.empty()) models = "none yet (no endpoint has answered; see the log)";
  std::string endpoints;
  for (const config::Model& model : snapshot->config->models) {
    for (const config::Endpoint& endpoint : model.endpoints) {
      const bool answers = std::find(silent.begin(), silent.end(), endpoint.url) == silent.end();
      endpoints += (endpoints.empty() ? "" : ", ") + endpoint.url + (answers ? "" : " (no answer yet)");
    }
  }
  for (const std::string& address : gateway.listening()) std::printf("listening on %s\n", address.c_str());
  std::printf("admin listening on %s\n", gateway.admin_listening().c_str());
  std::printf("models: %s\n", models.c_str());
  std::printf("endpoints: %s\n", endpoints.c_str());
  std::printf("data in %s\n", snapshot->config->data_dir.c_str());
  std::fflush(stdout);
}

// First printed, then kept: whatever interrupts this, no key is kept that nobody has seen.
Result<Unit> hand_out(const std::string& new_key, const config::Config& config) {
  std::printf("api key: %s\n", new_key.c_str());
  std::fflush(stdout);
  return keep_quick_start_key(config);
}

void say_problems(const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems) std::fprintf(stderr, "intragate: %s\n", problem.text().c_str());
}

void log_warnings(const config::Config& config) {
  for (const std::string& warning : config.warnings) log::warning("configuration", {{"remark", warning}});
}

// Only the start can print a new key.
void take_kept_key(config::Loaded& loaded) {
  Result<std::string> key = quick_start_key(loaded.config);
  std::string reason;
  if (!key) {
    reason = key.error().message;
  } else if (!key->empty()) {
    reason = "INTRAGATE_API_KEY is not set, and no key has been kept in " + loaded.config.data_dir +
             "; a restart makes one and prints it";
  }
  if (!reason.empty()) loaded.problems.push_back({loaded.config.source, 0, 0, reason, {}});
}

void reload(Gateway& gateway, const ServeOptions& options, std::string_view cause) {
  config::Loaded loaded = load_configuration(options.config_file, options.env_file);
  if (loaded.ok() && loaded.config.make_key) take_kept_key(loaded);
  log_warnings(loaded.config);
  if (!loaded.ok()) {
    gateway.refuse_reload(cause, loaded.problems.front().text());
    for (const config::Problem& problem : loaded.problems) log::error("configuration", {{"problem", problem.text()}});
    log::error("reload refused, the old configuration stays",
               {{"problems", static_cast<std::int64_t>(loaded.problems.size())}});
    return;
  }
  const config::LogLevel level = loaded.config.log_level;
  Result<Unit> swapped = gateway.reload(std::make_shared<const config::Config>(std::move(loaded.config)), cause);
  if (!swapped) {
    log::error("reload refused, the old configuration stays", {{"problem", swapped.error().message}});
    return;
  }
  log::set_level(log_level(level));
  log::info("reloaded");
}

// Notes how the files stand now; whether one is another than before. One that is not there is no change.
bool note_changes(Seen& seen) {
  bool changed = false;
  for (auto& [path, before] : seen) {
    const Stamp now = stamp_of(path);
    changed = changed || (!(now == before) && now.inode != 0);
    before = now;
  }
  return changed;
}

// The files that the configuration names besides itself may be others after a reload.
void watch(Seen& seen, const std::string& file, const config::Config& config) {
  Seen next{{file, seen[file]}};
  for (const std::string& path : config.files) {
    const auto known = seen.find(path);
    next.emplace(path, known != seen.end() ? known->second : stamp_of(path));
  }
  seen = std::move(next);
}

// Reloads on SIGHUP and when the file, be it the quick start's, changes; returns at SIGTERM or SIGINT.
// SIGUSR1 only ends the pause between two looks.
void attend(Gateway& gateway, const ServeOptions& options, const sigset_t& signals, Seen seen) {
  const std::string file = watched_file(options);
  for (;;) {
    watch(seen, file, *gateway.snapshot()->config);
    const timespec second{1, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) return;
    gateway.tick();
    gateway.look_begins();
    const bool changed = note_changes(seen);
    if (signal == SIGHUP || changed) reload(gateway, options, signal == SIGHUP ? "signal" : "file");
    gateway.look_ends();
  }
}

}  // namespace

int serve(const ServeOptions& options) {
  const sigset_t signals = block_signals();
  prepare_memory();
  raise_descriptor_limit();
  const Seen seen{{watched_file(options), stamp_of(watched_file(options))}};  // before it is read: no change is missed
  config::Loaded loaded = load_configuration(options.config_file, options.env_file);
  if (!loaded.ok()) {
    say_problems(loaded.problems);
    return 1;
  }
  Result<Unit> prepared = prepare_data_dir(loaded.config.data_dir);
  if (!prepared) return cannot_start(prepared.error().message);
  std::string new_key;
  if (loaded.config.make_key) {
    Result<std::string> key = quick_start_key(loaded.config);
    if (!key) return cannot_start(key.error().message);
    new_key = std::move(*key);
  }
  log::start(log_level(loaded.config.log_level));
  log_warnings(loaded.config);

  const auto config = std::make_shared<const config::Config>(std::move(loaded.config));
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(config);
  Result<Unit> told = gateway && !new_key.empty() ? hand_out(new_key, *config) : Result<Unit>{Unit{}};
  if (!gateway || !told) {
    log::stop();
    return cannot_start(!gateway ? gateway.error().message : told.error().message);
  }
  (*gateway)->start(kDiscoveryPatience);
  Result<AdminFile> admin_file =
      AdminFile::write(config->data_dir, (*gateway)->admin_listening(), (*gateway)->admin_secret());
  if (!admin_file) log::warning("commands will not find this gateway", {{"reason", admin_file.error().message}});
  say_what_runs(**gateway);
  attend(**gateway, options, signals, seen);
  log::info("stopping: open calls may finish");
  (*gateway)->stop([&signals] {
    const timespec none{};
    const int signal = ::sigtimedwait(&signals, nullptr, &none);
    return signal == SIGTERM || signal == SIGINT;
  });
  gateway->reset();
  log::stop();
  return 0;
}

}  // namespace intragate::app
