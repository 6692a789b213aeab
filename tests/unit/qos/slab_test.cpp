#include "qos/slab.h"

#include <gtest/gtest.h>

namespace intragate::qos {
namespace {

constexpr std::uint32_t kCrowd = 5000;

TEST(Slab, ReusesWhatWasGivenBack) {
  Slab<int> slab;
  const std::uint32_t first = slab.take();
  slab.give_back(first);
  EXPECT_EQ(slab.take(), first);
  EXPECT_EQ(slab.used(), 1U);
}

TEST(Slab, ShedGivesTheRoomOfACrowdBackOnlyWhenAllOfItHasLeft) {
  Slab<int> slab;
  for (std::uint32_t i = 0; i < kCrowd; ++i) (void)slab.take();
  const std::size_t crowded = slab.bytes();
  for (std::uint32_t i = 1; i < kCrowd; ++i) slab.give_back(i);
  slab.shed();
  EXPECT_EQ(slab.bytes(), crowded);
  slab.give_back(0);
  slab.shed();
  EXPECT_EQ(slab.bytes(), 0U);
  EXPECT_EQ(slab.take(), 0U);
}

TEST(Slab, ShedKeepsSmallRoom) {
  Slab<int> slab;
  slab.give_back(slab.take());
  slab.shed();
  EXPECT_GT(slab.bytes(), 0U);
}

}  // namespace
}  // namespace intragate::qos
