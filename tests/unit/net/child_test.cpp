#include "net/child.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "net/loop.h"

namespace intragate::net {
namespace {

struct Mark {
  bool& gone;
  explicit Mark(bool& to) : gone{to} {}
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  ~Mark() { gone = true; }
};

Task<int> answer_when(Loop& loop, Signal& go, bool& gone) {
  const Mark mark{gone};
  const Wake wake = co_await go.wait(loop, {});
  co_return wake == Wake::ready ? 42 : 0;
}

Task<int> fail(Loop& loop) {
  co_await Yield{loop};
  throw std::runtime_error{"no"};
}

Task<void> take_the_quicker_one(Loop& loop, int& result, bool& loser_gone) {
  Signal slow;
  Signal quick;
  Signal news;
  bool winner_gone = false;
  Child<int> first{answer_when(loop, slow, loser_gone), news};
  {
    Child<int> loser = std::move(first);
    const Child<int> unused{answer_when(loop, slow, winner_gone), news};
    EXPECT_FALSE(loser.ended());
  }
  EXPECT_TRUE(loser_gone);
  EXPECT_TRUE(winner_gone);
  news.clear();
  Child<int> second{answer_when(loop, quick, winner_gone), news};
  quick.set();
  const Wake wake = co_await news.wait(loop, {});
  EXPECT_EQ(wake, Wake::ready);
  EXPECT_TRUE(second.ended());
  result = second.take();
  loop.stop();
}

TEST(Child, RunsBesideItsParentAndEndsWhereverItWaits) {
  Loop loop{0};
  int result = 0;
  bool loser_gone = false;
  loop.spawn(take_the_quicker_one(loop, result, loser_gone));
  loop.run();
  EXPECT_EQ(result, 42);
}

Task<void> hear_of_failure(Loop& loop, bool& thrown) {
  Signal news;
  Child<int> child{fail(loop), news};
  const Wake wake = co_await news.wait(loop, {});
  EXPECT_EQ(wake, Wake::ready);
  try {
    (void)child.take();
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  loop.stop();
}

TEST(Child, HandsOnWhatItThrew) {
  Loop loop{0};
  bool thrown = false;
  loop.spawn(hear_of_failure(loop, thrown));
  loop.run();
  EXPECT_TRUE(thrown);
}

}  // namespace
}  // namespace intragate::net
