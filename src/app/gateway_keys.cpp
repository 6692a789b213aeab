// Gateway and the keys that are not in its configuration file: how they reach the loops, what is said of their age.
#include "app/gateway.h"
#include "auth/key_state.h"
#include "base/log.h"
#include "base/time_text.h"

namespace intragate::app {
namespace {

constexpr Duration kReminder = std::chrono::hours{24};

}  // namespace

Result<Unit> Gateway::open_keys() {
  Result<std::unique_ptr<KeyKeeper>> keeper = KeyKeeper::open(store_path(*config_));
  if (!keeper) return std::move(keeper).error();
  keeper_ = std::move(*keeper);
  issued_ = keeper_->take_first();
  return Unit{};
}

void Gateway::start_keys() {
  keeper_->start({.adopt = [this](std::vector<auth::IssuedKey> issued) { return take_issued(std::move(issued)); },
                  .config = [this] { return snapshot()->config; },
                  .live =
                      [this] {
                        const auto now_snapshot = snapshot();
                        return std::shared_ptr<const auth::Keyring>{now_snapshot, &now_snapshot->keys};
                      }});
}

// Returns when every loop has the keys. The keeper's thread.
Result<Unit> Gateway::take_issued(std::vector<auth::IssuedKey> issued) {
  {
    const std::lock_guard lock{mutex_};
    issued_.swap(issued);
    Result<Unit> adopted = adopt(config_);
    if (!adopted) {
      issued_.swap(issued);
      return adopted;
    }
  }
  on_every_core([](Core& /*unused*/) {});  // behind the message that brings the snapshot
  return Unit{};
}

// A change whose record might be lost is not made, by the rule that refuses calls (pipeline/identify.cpp).
net::Task<Result<admin::KeyAnswer>> Gateway::ask_keys(admin::KeyRequest request, net::Until until) {
  const bool must_have_records = snapshot()->config->audit.on_full == config::OnFull::refuse;
  const bool unrecorded = (audit_->full() && must_have_records) || audit_->copies_full();
  if (unrecorded && request.verb != admin::KeyRequest::Verb::list)
    co_return make_error(Code::audit_unavailable, "Nothing was changed: the audit record cannot be written just now.");
  net::Task<Result<admin::KeyAnswer>> asking = ask_keeper(*keeper_, *cores_.front()->loop, std::move(request), until);
  Result<admin::KeyAnswer> answer = co_await asking;
  co_return answer;
}

// Once a day, and at the start.
void Gateway::remind_of_keys(TimePoint now) {
  if (reminded_at_ && now - *reminded_at_ < kReminder) return;
  reminded_at_ = now;
  const auto now_snapshot = snapshot();
  const config::KeyPolicy& policy = now_snapshot->config->key_policy;
  const WallTime wall = std::chrono::system_clock::now();
  for (const auth::Principal* key : now_snapshot->keys.newest()) {
    const auth::KeyState state = auth::state_of(*key, policy, wall);
    if (state == auth::KeyState::active || state == auth::KeyState::revoked) continue;
    std::string when;
    if (const auto due = auth::attention_due(*key, policy)) append_rfc3339(when, *due);
    log::warning("a key needs attention",
                 {{"key", key->name}, {"key_id", key->key_id}, {"state", auth::state_name(state)}, {"due", when}});
  }
}

void Gateway::publish_keys(const pipeline::Snapshot& now_snapshot) {
  using metrics::Metric;
  metrics::Shard& process = metrics_->process();
  std::set<std::string> gone = std::exchange(published_keys_, {});
  for (const auth::Principal* key : now_snapshot.keys.newest()) {
    const std::optional<WallTime> due = auth::attention_due(*key, now_snapshot.config->key_policy);
    if (!due) continue;
    gone.erase(key->name);
    published_keys_.insert(key->name);
    process.gauge(Metric::key_due, {key->name}).set(std::chrono::duration<double>(due->time_since_epoch()).count());
  }
  for (const std::string& name : gone) process.remove(Metric::key_due, {name});
  process.gauge(Metric::store_usable).set(keeper_->trouble().empty() ? 1 : 0);
}

}  // namespace intragate::app
