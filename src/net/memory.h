// How much request bodies and buffers hold, of all loops together, and how much they may (`memory_limit`). Counted when
// a block is taken or given back, each loop for itself: nobody waits for anybody, and what is counted is not shared.
// Owner: each loop has a meter (in its BufferPool); the gateway owns the limit, which outlives the loops. Thread: a
// meter's writers only its loop; reading any. Does not: allocate, refuse anything (http_connection.cpp and
// app/front_door.cpp do), count what has a bound of its own: heads of requests in work, audit buffers, idle blocks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace intragate::net {

// One loop's bytes. One writer: relaxed loads and stores are enough.
class MemoryMeter {
 public:
  void add(std::size_t bytes) { held_.store(held() + bytes, std::memory_order_relaxed); }
  void give_back(std::size_t bytes) { held_.store(held() - bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> held_{0};
};

// Bytes that somebody holds; dying gives them back.
class Held {
 public:
  Held() = default;
  explicit Held(MemoryMeter& meter, std::size_t bytes = 0) : meter_{&meter} { set(bytes); }
  Held(Held&& other) noexcept : meter_{std::exchange(other.meter_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
  Held& operator=(Held other) noexcept {
    std::swap(meter_, other.meter_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Held() { set(0); }
  void set(std::size_t bytes) {
    if (meter_ == nullptr || bytes == bytes_) return;
    meter_->give_back(bytes_);
    meter_->add(bytes);
    bytes_ = bytes;
  }

 private:
  MemoryMeter* meter_ = nullptr;
  std::size_t bytes_ = 0;
};

class MemoryLimit {
 public:
  explicit MemoryLimit(std::uint64_t most) : most_{most} {}
  // Before the loops run.
  void watch(const MemoryMeter& meter) { meters_.push_back(&meter); }
  // Any thread: a reload.
  void set(std::uint64_t most) { most_.store(most, std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t most() const { return most_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t held() const {
    std::uint64_t sum = 0;
    for (const MemoryMeter* meter : meters_) sum += meter->held();
    return sum;
  }
  [[nodiscard]] bool room_for(std::uint64_t bytes) const { return bytes <= most() && held() <= most() - bytes; }
  // From nine tenths on.
  [[nodiscard]] bool nearly_full() const { return held() >= most() - most() / 10; }

 private:
  std::atomic<std::uint64_t> most_;
  std::vector<const MemoryMeter*> meters_;
};

}  // namespace intragate::net
