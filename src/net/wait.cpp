#include "net/wait.h"

#include <cassert>

#include "net/loop.h"

namespace intragate::net {

void Cancellation::fire(CancelReason reason) {
  if (fired()) return;
  reason_ = reason;
  if (waiting_ != nullptr) waiting_->complete(Wake::cancelled);
}

bool Wait::over_already() {
  if (until_.cancellation != nullptr && until_.cancellation->fired()) {
    wake_ = Wake::cancelled;
    return true;
  }
  if (until_.deadline.reached(loop_.now())) {
    wake_ = Wake::deadline;
    return true;
  }
  return false;
}

void Wait::suspend(std::coroutine_handle<> handle) {
  ready_.handle = handle;
  if (until_.cancellation != nullptr) {
    assert(until_.cancellation->waiting_ == nullptr && "one cancellation serves one coroutine chain");
    until_.cancellation->waiting_ = this;
  }
  if (!until_.deadline.never()) {
    at = until_.deadline.at();
    loop_.arm(*this);
  }
}

void Wait::complete(Wake wake) {
  if (completed_) return;
  completed_ = true;
  wake_ = wake;
  forget();
  loop_.enqueue(ready_);
}

void Wait::complete_later() {
  completed_ = true;
  forget();
  loop_.enqueue_later(ready_);
}

void Wait::forget() {
  unlink();
  if (until_.cancellation != nullptr && until_.cancellation->waiting_ == this) until_.cancellation->waiting_ = nullptr;
}

}  // namespace intragate::net
