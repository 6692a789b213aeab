#include "net/buffer.h"

#include <algorithm>
#include <cstring>

namespace intragate::net {

std::unique_ptr<char[]> BufferPool::take() {
  meter_.add(Buffer::kBlock);
  if (free_.empty()) return std::make_unique_for_overwrite<char[]>(Buffer::kBlock);
  auto block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void BufferPool::give_back(std::unique_ptr<char[]> block) {
  meter_.give_back(Buffer::kBlock);
  if (free_.size() < keep_) free_.push_back(std::move(block));
}

void BufferPool::shrink() {
  free_.resize(std::min(free_.size(), kFew));
}

Buffer& Buffer::operator=(Buffer other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  return *this;
}

void Buffer::reserve(std::size_t total) {
  if (block_ == nullptr && total <= kBlock) {
    block_ = pool_->take();
    capacity_ = kBlock;
    return;
  }
  if (capacity_ - begin_ >= total && block_ != nullptr) return;
  if (capacity_ >= total && block_ != nullptr) {  // room enough once the bytes stand at the front
    std::memmove(block_.get(), block_.get() + begin_, size());
  } else {
    const std::size_t capacity = std::max(total, kBlock);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    const std::size_t held = size();
    if (held > 0) std::memcpy(larger.get(), block_.get() + begin_, held);
    drop_block();
    pool_->meter().add(capacity);
    block_ = std::move(larger);
    capacity_ = capacity;
  }
  end_ -= begin_;
  begin_ = 0;
}

void Buffer::consume(std::size_t n) {
  begin_ += n;
  if (begin_ == end_) release();
}

Buffer Buffer::split(std::size_t offset) {
  Buffer rest{*pool_};
  const std::string_view bytes = view().substr(offset);
  if (bytes.empty()) return rest;
  rest.reserve(bytes.size());
  std::memcpy(rest.space().data(), bytes.data(), bytes.size());
  rest.commit(bytes.size());
  end_ -= bytes.size();
  return rest;
}

void Buffer::release() {
  drop_block();
  capacity_ = begin_ = end_ = 0;
}

void Buffer::drop_block() {
  if (block_ == nullptr) return;
  if (capacity_ == kBlock) {
    pool_->give_back(std::move(block_));
  } else {
    block_.reset();
    pool_->meter().give_back(capacity_);
  }
}

}  // namespace intragate::net
