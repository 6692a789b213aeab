// The running gateway's side of the store: a thread that reads its keys, makes changes that administrators ask for,
// notices those of other processes within half a second, and writes down when keys were last used. A store that cannot
// be read while the gateway runs leaves the keys that it had. There need be no store: it is made with the first key.
// Owner: Gateway; started after the loops, stopped before them. Thread: a thread of its own, so that no loop ever waits
// for a disk; public functions from any. Does not: hold keys for the data path (the snapshot does).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "admin/keys.h"
#include "app/key_office.h"
#include "net/task.h"
#include "net/wait.h"

namespace intragate::app {

class KeyKeeper {
 public:
  struct Gateway {
    // Hands keys to every loop and returns when all have them. Errors: when they cannot be used, with what is.
    std::function<Result<Unit>(std::vector<auth::IssuedKey>)> adopt;
    std::function<std::shared_ptr<const config::Config>()> config;
    std::function<std::shared_ptr<const auth::Keyring>()> live;
  };
  using Answered = std::function<void(admin::KeyAnswer)>;  // on the keeper's thread

  // Reads the store, if there is one. Errors: io.
  static Result<std::unique_ptr<KeyKeeper>> open(std::string path);
  ~KeyKeeper() { stop(); }

  // What open() found; once.
  [[nodiscard]] std::vector<auth::IssuedKey> take_first() { return std::move(first_); }
  void start(Gateway gateway);
  // Answers what was asked so far, writes down uses, ends the thread.
  void stop();
  void ask(admin::KeyRequest request, Answered answered);
  // Why keys are those of before; empty: all is well.
  [[nodiscard]] std::string trouble() const;

 private:
  explicit KeyKeeper(std::string path) : path_{std::move(path)} {}
  void run();
  void answer(const admin::KeyRequest& request, const Answered& answered);
  admin::KeyAnswer do_request(const admin::KeyRequest& request);
  Result<Unit> look();  // takes over what others have changed
  Result<Unit> reread();
  void write_uses();
  void complain(const Result<Unit>& outcome);

  std::string path_;
  Gateway gateway_;
  std::vector<auth::IssuedKey> first_;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards the four below
  std::condition_variable wake_;
  std::deque<std::pair<admin::KeyRequest, Answered>> asked_;
  bool stopping_ = false;
  std::string trouble_;

  // The thread's own.
  std::optional<store::Database> database_;
  std::int64_t version_ = 0;  // of the database, when it was last read
  std::vector<std::pair<std::string, WallTime>> written_uses_;
  std::chrono::steady_clock::time_point uses_written_at_{};
};

// Asks the keeper from a loop. Errors: internal, when the answer does not come in time (the change may still be made).
[[nodiscard]] net::Task<Result<admin::KeyAnswer>> ask_keeper(KeyKeeper& keeper, net::Loop& loop,
                                                             admin::KeyRequest request, net::Until until);

}  // namespace intragate::app
