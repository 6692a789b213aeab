#include "qos/index_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace intragate::qos {
namespace {

struct Item {
  std::uint64_t rank = 0;
  std::uint32_t place = 0;
};

struct ByRank {
  std::vector<Item>& items;
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const { return items[a].rank < items[b].rank; }
  [[nodiscard]] std::uint32_t& place(std::uint32_t item) const { return items[item].place; }
};

TEST(IndexHeap, FirstIsAlwaysTheLeastWhateverIsMovedOrTakenOut) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random{seed};
    std::vector<Item> items(64);
    const ByRank order{items};
    IndexHeap heap;
    std::vector<std::uint32_t> in;
    for (int step = 0; step < 5000; ++step) {
      const auto item = static_cast<std::uint32_t>(random.next() % items.size());
      const auto found = std::find(in.begin(), in.end(), item);
      if (found == in.end()) {
        items[item].rank = random.next() % 50;
        heap.push(item, order);
        in.push_back(item);
      } else if (random.next() % 2 == 0) {
        items[item].rank = random.next() % 50;
        heap.update(item, order);
      } else {
        heap.remove(item, order);
        in.erase(found);
      }
      ASSERT_EQ(heap.size(), in.size());
      for (const std::uint32_t one : in) ASSERT_LE(items[heap.top()].rank, items[one].rank);
    }
  }
}

}  // namespace
}  // namespace intragate::qos
