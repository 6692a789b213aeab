// The memory of coroutine frames, kept for the next frame of that size: a call needs some ten of them, and the next
// call the same ones again. Owner: each thread has its own; a crowd's frames go back to the C library, all but the
// first few of each size. Thread: any. Does not: help under AddressSanitizer and ThreadSanitizer, which shall see every
// frame that is used after its end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace intragate::net {

class FramePool {
 public:
  static constexpr std::uint32_t kKept = 64;  // of each size
  static constexpr std::uint32_t kFew = 4;    // of each size, after shrink()

  [[nodiscard]] void* take(std::size_t size) {
    const std::size_t steps = (size + kStep - 1) / kStep;
    if (steps >= kSizes) return ::operator new(size);
    Shelf& shelf = shelves_[steps];
    if (shelf.top == nullptr) {
      const std::size_t rounded = steps * kStep;
      return ::operator new(rounded);
    }
    Free* const frame = shelf.top;
    shelf.top = frame->below;
    --shelf.count;
    return frame;
  }
  void give_back(void* frame, std::size_t size) noexcept {
    const std::size_t steps = (size + kStep - 1) / kStep;
    if (steps >= kSizes || shelves_[steps].count == kKept) return ::operator delete(frame);
    Shelf& shelf = shelves_[steps];
    shelf.top = new (frame) Free{shelf.top};
    ++shelf.count;
  }
  // Lets go of all but a few of each size: frames that lie here and there in a crowd's memory keep its pages.
  void shrink() noexcept {
    for (Shelf& shelf : shelves_) {
      while (shelf.count > kFew) {
        ::operator delete(std::exchange(shelf.top, shelf.top->below));
        --shelf.count;
      }
    }
  }

 private:
  static constexpr std::size_t kStep = 32;
  static constexpr std::size_t kSizes = 2048 / kStep + 1;

  struct Free {
    Free* below;
  };
  struct Shelf {
    Free* top = nullptr;
    std::uint32_t count = 0;
  };
  std::array<Shelf, kSizes> shelves_{};
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INTRAGATE_FRAME_POOL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INTRAGATE_FRAME_POOL 0
#endif
#endif
#ifndef INTRAGATE_FRAME_POOL
#define INTRAGATE_FRAME_POOL 1
#endif

// What promises inherit.
struct PooledFrame {
#if INTRAGATE_FRAME_POOL
  static void* operator new(std::size_t size) {
    return pool.take(size);
  }
  static void operator delete(void* frame, std::size_t size) noexcept {
    pool.give_back(frame, size);
  }
  static void shrink_pool() noexcept {
    pool.shrink();
  }

 private:
  // Never destroyed: what it holds when its thread ends is a few kilobytes, and loops end with the process.
  static inline constinit thread_local FramePool pool{};
#else
  static void shrink_pool() noexcept {}
#endif
};

}  // namespace intragate::net
