#include "app/key_keeper.h"

#include <filesystem>

#include "base/log.h"
#include "net/loop.h"

namespace intragate::app {
namespace {

constexpr std::chrono::milliseconds kLook{500};  // how soon a change made by another process is seen
constexpr std::chrono::minutes kUses{1};         // how often uses are written down
constexpr std::size_t kMostWaiting = 64;         // requests

WallTime wall_now() {
  return std::chrono::system_clock::now();
}

}  // namespace

Result<std::unique_ptr<KeyKeeper>> KeyKeeper::open(std::string path) {
  std::unique_ptr<KeyKeeper> keeper{new KeyKeeper{std::move(path)}};
  std::error_code unreadable;
  const bool exists = std::filesystem::exists(std::filesystem::symlink_status(keeper->path_, unreadable));
  if (!exists) return keeper;
  Result<Unit> read = keeper->reread();
  if (!read) return std::move(read).error();
  return keeper;
}

void KeyKeeper::start(Gateway gateway) {
  gateway_ = std::move(gateway);
  uses_written_at_ = std::chrono::steady_clock::now();
  thread_ = std::thread{[this] { run(); }};
}

void KeyKeeper::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void KeyKeeper::ask(admin::KeyRequest request, Answered answered) {
  {
    const std::lock_guard lock{mutex_};
    if (!stopping_ && asked_.size() < kMostWaiting) {
      asked_.emplace_back(std::move(request), std::move(answered));
      wake_.notify_one();
      return;
    }
  }
  answered(admin::key_refusal(503, "The gateway is stopping, or too much is asked of its keys at once; try again."));
}

std::string KeyKeeper::trouble() const {
  const std::lock_guard lock{mutex_};
  return trouble_;
}

void KeyKeeper::run() {
  for (;;) {
    std::deque<std::pair<admin::KeyRequest, Answered>> asked;
    bool last = false;
    {
      std::unique_lock lock{mutex_};
      wake_.wait_for(lock, kLook, [this] { return stopping_ || !asked_.empty(); });
      asked.swap(asked_);
      last = stopping_;
    }
    complain(look());
    for (const auto& [request, answered] : asked) answer(request, answered);
    if (last || std::chrono::steady_clock::now() - uses_written_at_ >= kUses) write_uses();
    if (last) return;
  }
}

// Said once, as long as it stays the same.
void KeyKeeper::complain(const Result<Unit>& outcome) {
  std::string reason = outcome ? std::string{} : outcome.error().message;
  const std::lock_guard lock{mutex_};
  if (reason == trouble_) return;
  if (reason.empty()) {
    log::info("the store's keys are up to date again");
  } else {
    log::error("the store cannot be used: its keys stay as they were", {{"reason", reason}});
  }
  trouble_ = std::move(reason);
}

Result<Unit> KeyKeeper::look() {
  if (!database_ || !database_->still_there()) {
    std::error_code unreadable;
    const bool exists = std::filesystem::exists(std::filesystem::symlink_status(path_, unreadable));
    if (exists) return reread();
    if (!database_) return Unit{};
    return make_error(Code::io, "the store " + path_ + " is gone; put it back, or restart without its keys");
  }
  Result<std::int64_t> version = database_->version();
  if (!version) return std::move(version).error();
  if (*version == version_) return Unit{};
  return reread();
}

// The version is asked before the keys: what changes in between is seen the next time.
Result<Unit> KeyKeeper::reread() {
  if (!database_ || !database_->still_there()) {
    Result<store::Database> opened = open_store(path_);
    if (!opened) return std::move(opened).error();
    database_.emplace(*std::move(opened));
  }
  Result<std::int64_t> version = database_->version();
  if (!version) return std::move(version).error();
  Result<std::vector<store::Key>> keys = store::all_keys(*database_);
  if (!keys) return std::move(keys).error();
  std::vector<auth::IssuedKey> issued = issued_keys(*keys);
  if (!gateway_.adopt) {
    first_ = std::move(issued);
  } else {
    Result<Unit> adopted = gateway_.adopt(std::move(issued));
    if (!adopted) return adopted;
  }
  version_ = *version;
  return Unit{};
}

void KeyKeeper::answer(const admin::KeyRequest& request, const Answered& answered) {
  answered(do_request(request));
}

admin::KeyAnswer KeyKeeper::do_request(const admin::KeyRequest& request) {
  const bool changes = request.verb != admin::KeyRequest::Verb::list;
  if (const std::string why = trouble(); changes && !why.empty()) return admin::key_refusal(503, why);
  if (request.verb == admin::KeyRequest::Verb::create && !database_) {
    Result<store::Database> made = open_store(path_);
    if (!made) return admin::key_refusal(503, made.error().message);
    database_.emplace(*std::move(made));
  }
  const std::shared_ptr<const config::Config> config = gateway_.config();
  const std::shared_ptr<const auth::Keyring> live = gateway_.live();
  admin::KeyAnswer answer = answer_keys(database_ ? &*database_ : nullptr, request, {*config, live.get(), wall_now()});
  if (!changes || !answer.ok()) return answer;
  Result<Unit> taken = reread();
  complain(taken);
  if (taken) return answer;
  return admin::key_refusal(
      500, "The store has the change, but this gateway could not take it over: " + taken.error().message);
}

// Coarse on purpose: a minute's uses are one write.
void KeyKeeper::write_uses() {
  uses_written_at_ = std::chrono::steady_clock::now();
  if (!database_ || !trouble().empty()) return;
  std::vector<std::pair<std::string, WallTime>> uses = gateway_.live()->uses();
  if (uses == written_uses_) return;
  Result<store::Transaction> transaction = store::Transaction::begin(*database_);
  if (!transaction) return complain(std::move(transaction).error());
  for (const auto& [hash, at] : uses) {
    Result<Unit> noted = store::set_last_used(*database_, hash, at);
    if (!noted) return complain(std::move(noted).error());
  }
  Result<Unit> committed = transaction->commit();
  if (!committed) return complain(committed);
  written_uses_ = std::move(uses);
}

namespace {

// Shared by the loop that asks and the answer under way; only the loop touches it.
struct Question {
  std::optional<admin::KeyAnswer> answer;
  net::Signal here;
};

}  // namespace

net::Task<Result<admin::KeyAnswer>> ask_keeper(KeyKeeper& keeper, net::Loop& loop, admin::KeyRequest request,
                                               net::Until until) {
  const auto question = std::make_shared<Question>();
  keeper.ask(std::move(request), [question, &loop](admin::KeyAnswer answer) {
    loop.post([question, answer = std::move(answer)]() mutable {
      question->answer = std::move(answer);
      question->here.set();
    });
  });
  (void)co_await question->here.wait(loop, until);
  if (question->answer) co_return *std::move(question->answer);
  co_return make_error(Code::internal, "The store did not answer in time; look with `intragate keys list`.");
}

}  // namespace intragate::app
