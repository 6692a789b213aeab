// Read buffers: 16 KiB blocks borrowed from a per-loop pool only while there is something in them, so that an idle
// connection holds none. Owner: whoever borrowed it; the pool outlives all blocks. Thread: one loop.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "net/memory.h"

namespace intragate::net {

class BufferPool;

// Bytes [begin, end) of a block. Empty and without memory until reserve().
class Buffer {
 public:
  static constexpr std::size_t kBlock = 16 * 1024;

  explicit Buffer(BufferPool& pool) : pool_{&pool} {}
  Buffer(Buffer&& other) noexcept
      : pool_{other.pool_},
        block_{std::move(other.block_)},
        capacity_{std::exchange(other.capacity_, 0)},
        begin_{std::exchange(other.begin_, 0)},
        end_{std::exchange(other.end_, 0)} {}
  Buffer& operator=(Buffer other) noexcept;
  ~Buffer() { release(); }

  [[nodiscard]] std::string_view view() const { return {block_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }

  // Makes room for `total` bytes in all from begin on (at least one block). Views into the buffer become invalid when
  // it grows.
  void reserve(std::size_t total);
  // Where the next bytes go; empty when full.
  [[nodiscard]] std::span<char> space() { return {block_.get() + end_, capacity_ - end_}; }
  void commit(std::size_t n) { end_ += n; }
  // Drops the first n bytes; gives the block back when none are left.
  void consume(std::size_t n);
  // Takes the bytes from `offset` on into a buffer of their own.
  [[nodiscard]] Buffer split(std::size_t offset);
  // Drops everything and gives the block back.
  void release();

 private:
  void drop_block();

  BufferPool* pool_;
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Keeps a bounded number of free blocks, and counts what is lent out.
class BufferPool {
 public:
  explicit BufferPool(std::size_t keep = 128) : keep_{keep} {}
  std::unique_ptr<char[]> take();
  void give_back(std::unique_ptr<char[]> block);
  // Lets go of free blocks but a few: what a crowd needed is not needed after it.
  void shrink();
  [[nodiscard]] std::size_t idle() const { return free_.size(); }
  [[nodiscard]] MemoryMeter& meter() { return meter_; }

 private:
  static constexpr std::size_t kFew = 8;

  std::size_t keep_;
  std::vector<std::unique_ptr<char[]>> free_;
  MemoryMeter meter_;
};

}  // namespace intragate::net
