#include "net/resolver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "net/loop.h"

namespace intragate::net {
namespace {

using namespace std::chrono_literals;
using Addresses = std::vector<IpAddress>;

const IpAddress kHere = IpAddress::v4({127, 0, 0, 1});

struct Asked {
  Result<Addresses> answer = Addresses{};
  bool done = false;
};

Task<void> ask(Loop& loop, Resolver& resolver, Until until, Asked& asked, int& left) {
  asked.answer = co_await resolver.resolve("model.internal", until);
  asked.done = true;
  if (--left == 0) loop.stop();
}

TEST(Resolver, AsksOnceForAllWhoWait) {
  Loop loop{0};
  std::atomic<int> questions = 0;
  Resolver resolver{loop, [&](const std::string& host, Addresses& addresses) {
                      ++questions;
                      EXPECT_EQ(host, "model.internal");
                      addresses.push_back(kHere);
                      return std::string{};
                    }};
  std::array<Asked, 50> asked;
  int left = static_cast<int>(asked.size());
  for (Asked& one : asked) loop.spawn(ask(loop, resolver, {}, one, left));
  loop.run();
  for (const Asked& one : asked) {
    ASSERT_TRUE(one.done && one.answer);
    EXPECT_EQ(*one.answer, Addresses{kHere});
  }
  EXPECT_EQ(questions, 1);
}

TEST(Resolver, FailureSaysWhyAndIsNotAskedForAgainAtOnce) {
  Loop loop{0};
  std::atomic<int> questions = 0;
  Resolver resolver{loop, [&](const std::string& /*host*/, Addresses& /*addresses*/) {
                      ++questions;
                      return std::string{"no such name"};
                    }};
  for (int round = 0; round < 2; ++round) {
    Asked asked;
    int left = 1;
    loop.spawn(ask(loop, resolver, {}, asked, left));
    if (!asked.done) loop.run();
    ASSERT_FALSE(asked.answer);
    EXPECT_EQ(asked.answer.error().code, Code::upstream_unreachable);
    EXPECT_NE(asked.answer.error().detail.find("no such name"), std::string::npos);
  }
  EXPECT_EQ(questions, 1);
}

TEST(Resolver, NobodyWaitsForANameServiceThatHangs) {
  std::promise<void> hang;
  std::shared_future<void> hanging = hang.get_future().share();
  {
    Loop loop{0};
    Resolver resolver{loop, [hanging](const std::string& /*host*/, Addresses& /*addresses*/) {
                        hanging.wait();
                        return std::string{"too late"};
                      }};
    Asked asked;
    int left = 1;
    loop.spawn(ask(loop, resolver, {Deadline::in(loop.now(), 20ms), nullptr}, asked, left));
    loop.run();
    ASSERT_FALSE(asked.answer);
    EXPECT_EQ(asked.answer.error().code, Code::upstream_timeout);
  }  // the resolver is gone, its question is not
  hang.set_value();
}

TEST(Resolver, LiteralsAreNotAskedFor) {
  Loop loop{0};
  Resolver resolver{loop, [](const std::string& /*host*/, Addresses& /*addresses*/) {
                      ADD_FAILURE() << "a question for a literal";
                      return std::string{"no"};
                    }};
  Result<Addresses> answer = Addresses{};
  const auto resolve = [](Loop& on, Resolver& with, Result<Addresses>& to) -> Task<void> {
    to = co_await with.resolve("::1", {});
    on.stop();
  };
  loop.spawn(resolve(loop, resolver, answer));
  loop.run();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->front().text(), "::1");
}

}  // namespace
}  // namespace intragate::net
