#include "net/memory.h"

#include <gtest/gtest.h>

#include "net/buffer.h"

namespace intragate::net {
namespace {

TEST(Memory, BuffersCountWhatTheyHoldAndGiveItBack) {
  BufferPool pool;
  {
    Buffer buffer{pool};
    EXPECT_EQ(pool.meter().held(), 0U);
    buffer.reserve(10);
    EXPECT_EQ(pool.meter().held(), Buffer::kBlock);
    buffer.commit(10);
    buffer.reserve(5 * Buffer::kBlock);
    EXPECT_EQ(pool.meter().held(), 5 * Buffer::kBlock);
    buffer.reserve(9 * Buffer::kBlock);
    EXPECT_EQ(pool.meter().held(), 9 * Buffer::kBlock);
    Buffer moved{std::move(buffer)};
    EXPECT_EQ(pool.meter().held(), 9 * Buffer::kBlock);
    moved.consume(10);
    EXPECT_EQ(pool.meter().held(), 0U);
    moved.reserve(2 * Buffer::kBlock);
  }
  EXPECT_EQ(pool.meter().held(), 0U);
}

TEST(Memory, HeldBytesGoWithTheirHolder) {
  MemoryMeter meter;
  Held first{meter, 100};
  first.set(70);
  EXPECT_EQ(meter.held(), 70U);
  Held second{std::move(first)};
  EXPECT_EQ(meter.held(), 70U);
  second = Held{meter, 5};
  EXPECT_EQ(meter.held(), 5U);
  second = Held{};
  EXPECT_EQ(meter.held(), 0U);
}

TEST(Memory, LimitIsForAllLoopsTogether) {
  MemoryMeter one;
  MemoryMeter two;
  MemoryLimit limit{1000};
  limit.watch(one);
  limit.watch(two);
  EXPECT_TRUE(limit.room_for(1000));
  EXPECT_FALSE(limit.room_for(1001));
  one.add(500);
  two.add(399);
  EXPECT_FALSE(limit.nearly_full());
  EXPECT_TRUE(limit.room_for(101));
  EXPECT_FALSE(limit.room_for(102));
  two.add(1);
  EXPECT_TRUE(limit.nearly_full());
  limit.set(100);  // a reload may leave less than is held
  EXPECT_FALSE(limit.room_for(1));
  EXPECT_TRUE(limit.nearly_full());
}

}  // namespace
}  // namespace intragate::net
