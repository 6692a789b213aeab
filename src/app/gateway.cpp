#include "app/gateway.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <latch>
#include <utility>

#include "app/audit_writer.h"
#include "app/certificates.h"
#include "app/front_door.h"
#include "app/housekeeping.h"
#include "app/outlook.h"
#include "app/roll_call.h"
#include "app/routes.h"
#include "app/usage_file.h"
#include "base/error_table.h"
#include "base/json_write.h"
#include "base/log.h"
#include "pipeline/calls.h"

namespace intragate::app {
namespace {

pipeline::Now moment_now() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {MonotonicClock::now(), std::chrono::duration_cast<std::chrono::seconds>(wall).count()};
}

std::size_t worker_count(const config::Config& config) {
  return config.workers > 0 ? config.workers : std::max(1U, std::thread::hardware_concurrency());
}

constexpr std::size_t kLongestProblem = 1024;                    // of a refused reload, in its record
constexpr Duration kGreetingPatience = std::chrono::seconds{1};  // of the start's report; calls are accepted meanwhile

// Blocks the main thread until `done`, but not for longer than `patience`.
void wait_until(const std::function<bool()>& done, Duration patience) {
  const Deadline end = Deadline::in(MonotonicClock::now(), patience);
  while (!done() && !end.reached(MonotonicClock::now())) std::this_thread::sleep_for(std::chrono::milliseconds{2});
}

Error needs_restart(std::string_view what) {
  return make_error(Code::invalid_configuration,
                    "`" + std::string{what} + "` changes only with a restart; everything stays as it was");
}

Result<Unit> same_foundations(const config::Config& old, const config::Config& next) {
  const auto addresses = [](const config::Config& config) {
    std::vector<SocketAddress> all;
    for (const config::Listen& listen : config.listen) all.push_back(listen.address);
    return all;
  };
  if (addresses(old) != addresses(next)) return needs_restart("listen[].address");
  if (old.admin.address != next.admin.address) return needs_restart("admin.address");
  if (old.data_dir != next.data_dir) return needs_restart("data_dir");
  if (old.workers != next.workers) return needs_restart("workers");
  if (!(old.audit.files == next.audit.files)) return needs_restart("audit");
  if (!audit::same_places(old.audit.copies, next.audit.copies)) return needs_restart("audit.copies");
  return Unit{};
}

std::string usage_path(const config::Config& config) {
  return (std::filesystem::path{config.data_dir} / "usage.jsonl").string();
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::open(std::shared_ptr<const config::Config> config) {
  std::unique_ptr<Gateway> gateway{new Gateway{std::move(config)}};
  gateway->secret_watch_.look_now = [] { ::kill(::getpid(), SIGUSR1); };
  Result<Unit> keys = gateway->open_keys();
  if (!keys) return std::move(keys).error();
  Result<std::shared_ptr<const pipeline::Snapshot>> snapshot =
      pipeline::make_snapshot(gateway->config_, {}, nullptr, moment_now(), gateway->issued_);
  if (!snapshot) return std::move(snapshot).error();
  gateway->snapshot_ = std::move(*snapshot);
  Result<Unit> books = gateway->open_books();
  if (!books) return std::move(books).error();
  gateway->open_cores();
  Result<Unit> doors = gateway->open_doors();
  if (!doors) return std::move(doors).error();
  Result<Unit> admin = gateway->open_admin();
  if (!admin) return std::move(admin).error();
  return gateway;
}

Gateway::~Gateway() {
  if (running_) stop([] { return true; });
  // What still waits refers to workers, admin server and discovery: it goes first.
  for (auto& core : cores_) core->loop->end_tasks();
}

Result<Unit> Gateway::open_books() {
  const std::size_t cores = worker_count(*config_);
  metrics_ = std::make_unique<metrics::Registry>(cores);
  Result<std::shared_ptr<audit::Copies>> copies = open_copies(*config_);
  if (!copies) return std::move(copies).error();
  copies_ = *std::move(copies);
  Result<std::unique_ptr<audit::Writer>> audit = open_audit(*config_, cores, copies_);
  if (!audit) return std::move(audit).error();
  audit_ = std::move(*audit);
  audit_->note({.name = "start", .actor = "gateway", .detail = audit::found_json(audit_->found(), INTRAGATE_VERSION)});
  metrics::Shard& process = metrics_->process();
  for (const std::string_view result : {"ok", "refused"}) process.counter(metrics::Metric::reloads, {result});
  process.gauge(metrics::Metric::last_reload_successful).set(1);
  return Unit{};
}

void Gateway::open_cores() {
  ledger_ = std::make_unique<pipeline::Ledger>(config_->limits, thread_random().next());
  ledger_->restore(load_usage(usage_path(*config_)), {MonotonicClock::now(), std::chrono::system_clock::now()});
  for (std::size_t i = 0; i < worker_count(*config_); ++i) {
    auto core = std::make_unique<Core>();
    core->loop = std::make_unique<net::Loop>(i);
    core->loop->obey(memory_);
    memory_.watch(core->loop->buffers().meter());
    core->worker =
        std::make_unique<pipeline::Worker>(pipeline::Worker::Parts{*core->loop, *audit_, metrics_->loop(i), *ledger_,
                                                                   wrong_keys_, turned_away_, secret_watch_, routes()},
                                           snapshot_);
    cores_.push_back(std::move(core));
  }
}

Result<Unit> Gateway::open_doors() {
  Result<DoorsTls> tls = doors_tls_of(*config_, *config_, {});
  if (!tls) return std::move(tls).error();
  doors_tls_ = *std::move(tls);
  std::size_t number = 0;
  for (const config::Listen& listen : config_->listen) {
    const auto open_connections = std::make_shared<std::atomic<std::uint32_t>>(0);
    SocketAddress address = listen.address;
    for (auto& core : cores_) {
      const bool first = core == cores_.front();
      Result<net::Listener> listener =
          net::Listener::open(address, first ? net::Listener::Sharing::first : net::Listener::Sharing::another);
      if (!listener) return std::move(listener).error();
      address = listener->address();  // the others join the port that the system chose for 0
      core->entrances.push_back(std::unique_ptr<Entrance>{new Entrance{
          std::move(*listener), pipeline::Door{listen, address.text(), open_connections, doors_tls_[number]}, {}}});
    }
    ++number;
  }
  if (net::system_backlog_limit() < net::kBacklog) {
    log::warning("net.core.somaxconn is low: bursts of connections will be delayed by a second",
                 {{"somaxconn", static_cast<std::int64_t>(net::system_backlog_limit())},
                  {"wanted", static_cast<std::int64_t>(net::kBacklog)}});
  }
  return Unit{};
}

Result<Unit> Gateway::open_admin() {
  SocketAddress address = config_->admin.address;
  Result<net::Listener> listener = net::Listener::open(address, net::Listener::Sharing::first);
  if (!listener && config_->admin.address_is_default) {
    log::warning("the default admin port is taken: using a free one", {{"address", address.text()}});
    address.port = 0;
    listener = net::Listener::open(address, net::Listener::Sharing::first);
  }
  if (!listener) return std::move(listener).error();
  Result<DoorTls> tls = door_tls_of(config_->admin.tls, {}, {});
  if (!tls) return std::move(tls).error();
  admin_tls_ = *std::move(tls);
  admin_ = std::make_unique<admin::Server>(
      *cores_.front()->loop, std::move(*listener), admin_rules(),
      admin::Server::Views{
          .allows = [this](const IpAddress& ip) { return snapshot()->config->admin.allow.contains(ip); },
          .metrics = [this] { return metrics_text(); },
          .readiness = [this] { return readiness(); },
          .list_calls =
              [this](llm::CallFilter filter, net::Until until) {
                return ask_every_loop(workers(), pipeline::list_calls, std::move(filter), until);
              },
          .ask_keys = [this](admin::KeyRequest request,
                             net::Until until) { return ask_keys(std::move(request), until); },
          .cancel_calls =
              [this](llm::CallFilter filter, net::Until until) {
                return ask_every_loop(workers(), pipeline::cancel_calls, std::move(filter), until);
              },
          .note = [this](const audit::Event& event) { audit_->note(event); },
          .forecast = [this](const admin::ForecastQuery& query) { return outlook_of(query, *snapshot(), *ledger_); }});
  return Unit{};
}

admin::Server::Rules Gateway::admin_rules() const {
  return {.token = config_->admin.token,
          .own = admin_secret_,
          .certificates = config_->admin.certificates,
          .wrong_tokens = config_->wrong_keys,
          .tls = admin_tls_};
}

void Gateway::start(Duration patience) {
  Core& first = *cores_.front();
  discovery_ =
      std::make_unique<Discovery>(*first.worker, [this](pipeline::Discovered found) { discovered(std::move(found)); });
  engine_watch_ = std::make_unique<EngineWatch>(*first.worker);
  running_ = true;
  for (auto& core : cores_) {
    core->thread = std::thread{[loop = core->loop.get()] { loop->run(); }};
  }
  first.loop->post([this, &first] {
    first.loop->spawn(discovery_->run());
    first.loop->spawn(engine_watch_->run());
    first.loop->spawn(admin_->run(admin_closing_));
  });
  wait_until([this] { return discovery_->asked_once(); }, patience);
  on_every_core([](Core& core) {
    core.loop->spawn(keep_house(*core.worker));
    for (auto& entrance : core.entrances) {
      core.loop->spawn(accept_connections(*core.worker, entrance->listener, entrance->door, entrance->closing));
    }
  });
  start_keys();
  wait_until([this] { return discovery_->greeted(); }, kGreetingPatience);
}

void Gateway::on_every_core(const std::function<void(Core&)>& action) {
  std::latch done{static_cast<std::ptrdiff_t>(cores_.size())};
  for (auto& core : cores_) {
    core->loop->post([&action, &done, core = core.get()] {
      action(*core);
      done.count_down();
    });
  }
  done.wait();
}

std::vector<pipeline::Worker*> Gateway::workers() const {
  std::vector<pipeline::Worker*> all;
  for (const auto& core : cores_) all.push_back(core->worker.get());
  return all;
}

void Gateway::discovered(pipeline::Discovered found) {
  const std::lock_guard lock{mutex_};
  discovered_ = std::move(found);
  Result<Unit> adopted = adopt(config_);
  if (!adopted) log::error("models not taken over", {{"reason", adopted.error().message}});
}

// Makes a snapshot and hands it to every loop, without waiting for them. Any thread, under the mutex: a reload and a
// discovery must not undo each other.
Result<Unit> Gateway::adopt(std::shared_ptr<const config::Config> config) {
  Result<std::shared_ptr<const pipeline::Snapshot>> snapshot =
      pipeline::make_snapshot(config, discovered_, snapshot_.get(), moment_now(), issued_);
  if (!snapshot) return std::move(snapshot).error();
  Result<DoorsTls> tls = doors_tls_of(*config, *config_, doors_tls_);
  if (!tls) return std::move(tls).error();
  Result<DoorTls> admin_tls = door_tls_of(config->admin.tls, config_->admin.tls, admin_tls_);
  if (!admin_tls) return std::move(admin_tls).error();
  if (copies_ != nullptr) {
    Result<Unit> copied = copies_->adopt(config->audit.copies, config->egress);
    if (!copied) return copied;
  }
  const bool other_rules = changes_client_rules(doors_tls_, *tls);
  doors_tls_ = *std::move(tls);
  admin_tls_ = *std::move(admin_tls);
  config_ = std::move(config);
  snapshot_ = std::move(*snapshot);
  pipeline::take_effect(*snapshot_, moment_now().at);
  ledger_->replace_rules(config_->limits);
  memory_.set(config_->memory_limit);
  cores_.front()->loop->post([this, rules = admin_rules()] { admin_->adopt(rules); });
  for (auto& core : cores_) {
    core->loop->post([core = core.get(), fresh = snapshot_, doors = doors_tls_, other_rules] {
      core->worker->adopt(fresh);
      for (std::size_t i = 0; i < core->entrances.size(); ++i) {
        core->entrances[i]->door.rules = fresh->config->listen[i];
        core->entrances[i]->door.tls = doors[i];
      }
      if (other_rules) core->worker->close_resting();
    });
  }
  return Unit{};
}

Result<Unit> Gateway::reload(std::shared_ptr<const config::Config> config, std::string_view cause) {
  std::shared_ptr<const config::Config> old;
  {
    const std::lock_guard lock{mutex_};
    old = config_;
  }
  Result<Unit> result = same_foundations(*old, *config);
  if (result) {
    const std::lock_guard lock{mutex_};
    result = adopt(std::move(config));
  }
  if (result) cores_.front()->loop->post([this] { discovery_->reloaded(); });
  count_reload(cause, result ? std::string_view{} : std::string_view{result.error().message});
  return result;
}

void Gateway::count_reload(std::string_view cause, std::string_view problem) {
  const bool taken = problem.empty();
  std::string detail;
  if (!taken) json::Writer{detail}.open_object().text("problem", problem.substr(0, kLongestProblem)).close_object();
  audit_->note({.name = "reload",
                .actor = cause,
                .outcome = taken ? "ok" : "refused",
                .error = taken ? std::string_view{} : error_row(Code::invalid_configuration).name,
                .detail = detail});
  cores_.front()->loop->post([this, taken] {
    metrics::Shard& process = metrics_->process();
    process.counter(metrics::Metric::reloads, {taken ? "ok" : "refused"}).add();
    process.gauge(metrics::Metric::last_reload_successful).set(taken ? 1 : 0);
  });
}

bool Gateway::wait_for_quiet(Deadline deadline) {
  while (!deadline.reached(MonotonicClock::now())) {
    std::atomic<std::size_t> open{0};
    on_every_core([&open](Core& core) { open += core.worker->connections(); });
    if (open == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return false;
}

void Gateway::stop(const std::function<bool()>& hurry) {
  draining_ = true;
  on_every_core([](Core& core) {
    for (auto& entrance : core.entrances) entrance->closing.fire(net::CancelReason::shutdown);
    core.worker->drain();
  });
  // Closed only now that nobody waits on them.
  on_every_core([](Core& core) {
    for (auto& entrance : core.entrances) entrance->listener.close();
  });
  const TimePoint begun = MonotonicClock::now();
  const Deadline drained = Deadline::in(begun, snapshot()->config->drain);
  while (!drained.reached(MonotonicClock::now()) && !hurry()) {
    if (wait_for_quiet(Deadline::in(MonotonicClock::now(), std::chrono::milliseconds{50}))) break;
  }
  on_every_core([](Core& core) { core.worker->cancel_all(); });
  if (!wait_for_quiet(Deadline::in(MonotonicClock::now(), std::chrono::seconds{3}))) {
    log::warning("connections left at the end of the drain were cut");
  }
  on_every_core([this](Core& core) {
    if (&core != cores_.front().get()) return;
    discovery_->stop();
    engine_watch_->stop();
    admin_closing_.fire(net::CancelReason::shutdown);
  });
  keeper_->stop();
  for (auto& core : cores_) core->loop->stop();
  for (auto& core : cores_) core->thread.join();
  note_turned_away(turned_away_.take_all());
  audit_->stop({.name = "stop", .actor = "signal"});
  save_usage_now();
  running_ = false;
}

void Gateway::tick() {
  constexpr Duration kMinute = std::chrono::minutes{1};
  const TimePoint now = MonotonicClock::now();
  remind_of_keys(now);
  expiry_.warn(*snapshot()->config, now);
  note_turned_away(turned_away_.take(now));
  if (now - saved_at_ < kMinute) return;
  saved_at_ = now;
  ledger_->forget_idle({now, std::chrono::system_clock::now()});
  save_usage_now();
}

void Gateway::note_turned_away(const std::optional<auth::TurnedAway::Rest>& rest) {
  if (!rest) return;
  audit_->note(
      {.name = "refused_connections", .actor = "gateway", .outcome = "refused", .detail = auth::rest_json(*rest)});
}

void Gateway::save_usage_now() {
  const std::vector<qos::WindowCount> counts =
      ledger_->windows({MonotonicClock::now(), std::chrono::system_clock::now()});
  if (counts.empty() && !usage_saved_) return;  // no rule needs the file
  usage_saved_ = true;
  const Result<Unit> saved = save_usage(usage_path(*config_), counts);
  if (!saved) log::error("usage not saved: day and month limits would begin anew", {{"reason", saved.error().message}});
}

std::vector<std::string> Gateway::listening() const {
  std::vector<std::string> addresses;
  for (const auto& entrance : cores_.front()->entrances) addresses.push_back(entrance->door.name);
  return addresses;
}

std::string Gateway::admin_listening() const {
  return admin_->address().text();
}

std::shared_ptr<const pipeline::Snapshot> Gateway::snapshot() const {
  const std::lock_guard lock{mutex_};
  return snapshot_;
}

std::vector<std::string> Gateway::silent_endpoints() const {
  std::vector<std::string> silent;
  const auto now_snapshot = snapshot();
  for (const auto& lane : now_snapshot->listed) {
    for (const auto& endpoint : lane->endpoints) {
      if (discovery_->silent(endpoint->id())) silent.push_back(endpoint->configured().url);
    }
  }
  if (!now_snapshot->awaiting_discovery) return silent;
  for (const auto& endpoint : now_snapshot->wildcard_endpoints) silent.push_back(endpoint->configured().url);
  return silent;
}

// One model that can be used is enough to be ready: a balancer that sees 503 takes the gateway away from all of them.
admin::Readiness Gateway::readiness() const {
  admin::Readiness state;
  const auto now_snapshot = snapshot();
  if (now_snapshot->awaiting_discovery) state.missing.push_back({"models", "no endpoint has listed its models yet"});
  const TimePoint now = MonotonicClock::now();
  for (const auto& lane : now_snapshot->listed) {
    const auto& endpoints = lane->endpoints;
    const auto answers = [&](const auto& endpoint) { return !discovery_->silent(endpoint->id()); };
    const auto usable = [&](const auto& endpoint) { return answers(endpoint) && endpoint->health().usable(now); };
    if (std::any_of(endpoints.begin(), endpoints.end(), usable)) {
      state.ready = true;
    } else if (std::any_of(endpoints.begin(), endpoints.end(), answers)) {
      state.missing.push_back({"model " + lane->name, "every endpoint is cooling down after failures"});
    } else {
      state.missing.push_back({"model " + lane->name, "no endpoint has answered yet"});
    }
  }
  if (!state.ready && state.missing.empty()) state.missing.push_back({"models", "no endpoint lists any model"});
  if (draining_) {
    state.missing.push_back({"gateway", "is stopping"});
    state.ready = false;
  }
  if (std::string trouble = keeper_->trouble(); !trouble.empty()) state.missing.push_back({"keys", std::move(trouble)});
  for (const CertificateUse& certificate : certificates_of(*now_snapshot->config)) {
    if (certificate.expires > std::chrono::system_clock::now()) continue;
    state.missing.push_back({certificate.use, "its " + std::string{certificate.what} + " has expired"});
  }
  if (audit_->full()) {
    state.missing.push_back({"audit", "records cannot be written"});
    state.ready = state.ready && now_snapshot->config->audit.on_full == config::OnFull::drop;
  }
  if (copies_ != nullptr) {
    for (const audit::CopyState& copy : copies_->states()) {
      if (!copy.trouble.empty()) state.missing.push_back({"audit copy " + copy.to, copy.trouble});
    }
    state.ready = state.ready && !audit_->copies_full();
  }
  return state;
}

}  // namespace intragate::app
