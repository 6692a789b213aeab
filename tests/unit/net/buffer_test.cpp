#include "net/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace intragate::net {
namespace {

void put(Buffer& buffer, std::string_view text) {
  buffer.reserve(buffer.size() + text.size());
  ASSERT_GE(buffer.space().size(), text.size());
  std::memcpy(buffer.space().data(), text.data(), text.size());
  buffer.commit(text.size());
}

TEST(Buffer, GivesItsBlockBackWhenEverythingIsConsumed) {
  BufferPool pool;
  Buffer first{pool};
  put(first, "abc");
  const char* block = first.view().data();
  first.consume(3);
  Buffer second{pool};
  put(second, "x");
  EXPECT_EQ(second.view().data(), block);
}

TEST(Buffer, APoolThatShrinksKeepsAFewFreeBlocksAndEveryByteInUse) {
  BufferPool pool;
  std::vector<Buffer> crowd;
  for (int i = 0; i < 100; ++i) put(crowd.emplace_back(pool), "a");
  Buffer kept{pool};
  put(kept, "still here");
  crowd.clear();
  EXPECT_EQ(pool.idle(), 100U);
  pool.shrink();
  EXPECT_EQ(pool.idle(), 8U);
  EXPECT_EQ(kept.view(), "still here");
  pool.shrink();
  EXPECT_EQ(pool.idle(), 8U);
}

TEST(Buffer, GrowingKeepsTheBytes) {
  BufferPool pool;
  Buffer buffer{pool};
  put(buffer, std::string(100, 'a'));
  buffer.consume(50);
  buffer.reserve(3 * Buffer::kBlock);
  EXPECT_EQ(buffer.view(), std::string(50, 'a'));
  EXPECT_GE(buffer.space().size(), 3 * Buffer::kBlock - 50);
}

TEST(Buffer, ReserveMovesBytesToTheFrontInsteadOfGrowing) {
  BufferPool pool;
  Buffer buffer{pool};
  put(buffer, std::string(Buffer::kBlock - 1, 'a') + "b");
  buffer.consume(Buffer::kBlock - 1);
  buffer.reserve(Buffer::kBlock);
  EXPECT_EQ(buffer.view(), "b");
  EXPECT_EQ(buffer.space().size(), Buffer::kBlock - 1);
}

TEST(Buffer, SplitLeavesTheBeginningWhereItIs) {
  BufferPool pool;
  Buffer buffer{pool};
  put(buffer, "headtail");
  const char* const head = buffer.view().data();
  Buffer tail = buffer.split(4);
  EXPECT_EQ(tail.view(), "tail");
  EXPECT_EQ(buffer.view(), "head");
  EXPECT_EQ(buffer.view().data(), head);
  EXPECT_TRUE(buffer.split(4).empty());
}

TEST(Buffer, MovedFromBufferIsEmptyAndUsable) {
  BufferPool pool;
  Buffer from{pool};
  put(from, "abc");
  Buffer to{std::move(from)};
  EXPECT_EQ(to.view(), "abc");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that it may be used is the promise
  put(from, "new");
  EXPECT_EQ(from.view(), "new");
}

}  // namespace
}  // namespace intragate::net
