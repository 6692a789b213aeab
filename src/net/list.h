// An intrusive doubly linked list: O(1) insertion and removal without allocation; an element removes itself when it
// dies. Owner: the list owns nothing. Thread: one loop.
#pragma once

namespace intragate::net {

// A link in a ring; alone it points to itself.
class ListHook {
 public:
  ListHook() noexcept = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }
  // Puts `hook` before this one: at the end, when this is a list's head.
  void insert_before(ListHook& hook) noexcept {
    hook.unlink();
    hook.prev_ = prev_;
    hook.next_ = this;
    prev_->next_ = &hook;
    prev_ = &hook;
  }
  [[nodiscard]] ListHook* next() const noexcept { return next_; }

  // Moves all of `other`'s elements to the end of this list (both are heads).
  void splice(ListHook& other) noexcept {
    if (!other.linked()) return;
    other.next_->prev_ = prev_;
    prev_->next_ = other.next_;
    other.prev_->next_ = this;
    prev_ = other.prev_;
    other.prev_ = other.next_ = &other;
  }

 private:
  ListHook* prev_ = this;
  ListHook* next_ = this;
};

}  // namespace intragate::net
