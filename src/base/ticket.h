// Ticket<Owner>: something taken that goes back exactly once, when the ticket dies: a slot, a reservation, a place.
// Owner:  whoever took it, usually the exchange. The Owner object outlives every ticket.
// Thread: that of the owner; give_back must be noexcept, O(1), and wait for nothing.
#pragma once

#include <utility>

namespace intragate {

template <class Owner>
class [[nodiscard]] Ticket {
 public:
  using Grant = typename Owner::Grant;  // small and copyable: an index, a count

  Ticket() noexcept = default;
  Ticket(Owner& owner, Grant grant) noexcept : owner_{&owner}, grant_{grant} {}
  Ticket(Ticket&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)}, grant_{other.grant_} {}
  Ticket& operator=(Ticket other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(grant_, other.grant_);
    return *this;
  }
  ~Ticket() {
    if (owner_ != nullptr) owner_->give_back(grant_);
  }

  // What was taken, for an owner that settles it in another way than by give_back.
  [[nodiscard]] Grant take() && noexcept {
    owner_ = nullptr;
    return grant_;
  }

  explicit operator bool() const noexcept { return owner_ != nullptr; }
  const Grant& grant() const noexcept { return grant_; }

 private:
  Owner* owner_ = nullptr;
  Grant grant_{};
};

}  // namespace intragate
