#include "net/frame_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace intragate::net {
namespace {

TEST(FramePool, GivesTheSameMemoryToTheNextFrameOfThatSize) {
  FramePool pool;
  void* const first = pool.take(300);
  pool.give_back(first, 300);
  void* const other = pool.take(600);
  EXPECT_NE(other, first);
  void* const second = pool.take(290);  // of the same step
  EXPECT_EQ(second, first);
  std::memset(second, 1, 320);
  pool.give_back(second, 290);
  pool.give_back(other, 600);
  EXPECT_EQ(pool.take(600), other);
  EXPECT_EQ(pool.take(310), first);
  ::operator delete(first);
  ::operator delete(other);
}

TEST(FramePool, KeepsTheFirstFewOfACrowd) {
  FramePool pool;
  std::vector<void*> frames;
  for (int i = 0; i < 1000; ++i) frames.push_back(pool.take(100));
  for (void* frame : frames) pool.give_back(frame, 100);  // the leak checker sees what would be lost
  for (std::size_t i = 0; i < FramePool::kKept; ++i) frames[i] = pool.take(100);
  frames.resize(FramePool::kKept);
  for (void* frame : frames) ::operator delete(frame);
}

TEST(FramePool, ShrinkingKeepsAFewFramesOfEachSize) {
  FramePool pool;
  std::vector<void*> frames;
  for (int i = 0; i < 20; ++i) frames.push_back(pool.take(100));
  for (void* frame : frames) pool.give_back(frame, 100);
  pool.shrink();
  pool.shrink();
  std::vector<void*> kept;
  for (std::size_t i = 0; i < FramePool::kFew; ++i) {
    void* const frame = pool.take(100);
    EXPECT_EQ(frame, frames[FramePool::kFew - 1 - i]);  // the first ones that came back
    kept.push_back(frame);
  }
  for (void* frame : kept) ::operator delete(frame);  // the leak checker sees what shrinking lost
}

TEST(FramePool, LargeFramesAreNotKept) {
  FramePool pool;
  for (int i = 0; i < 3; ++i) pool.give_back(pool.take(5000), 5000);
}

}  // namespace
}  // namespace intragate::net
