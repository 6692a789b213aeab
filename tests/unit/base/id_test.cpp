#include "base/id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace intragate {
namespace {

TEST(Random, SameSeedGivesSameNumbersAndOthersDiffer) {
  Random a{7};
  Random b{7};
  Random c{8};
  const std::uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
  EXPECT_NE(Random{}.next(), Random{}.next());
}

TEST(Random, UnitStaysBelowOneAndFillsTheRange) {
  Random random{1};
  double lowest = 1;
  double highest = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double x = random.unit();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    lowest = std::min(lowest, x);
    highest = std::max(highest, x);
  }
  EXPECT_LT(lowest, 0.01);
  EXPECT_GT(highest, 0.99);
}

TEST(RequestId, HasItsFormAndIsAcceptableWhenSentBack) {
  const RequestId id = new_request_id();
  EXPECT_EQ(id.view().size(), 28U);
  EXPECT_TRUE(id.view().starts_with("req_"));
  EXPECT_EQ(id.view().substr(4).find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz"), std::string_view::npos);
  EXPECT_TRUE(acceptable_request_id(id.view()));
}

TEST(RequestId, EveryCharacterIsRandom) {
  std::array<std::set<char>, 28> seen;
  for (int i = 0; i < 500; ++i) {
    const RequestId id = new_request_id();
    for (std::size_t at = 0; at < id.text.size(); ++at) seen[at].insert(id.text[at]);
  }
  for (std::size_t at = 4; at < seen.size(); ++at) EXPECT_GT(seen[at].size(), 20U) << at;
}

TEST(RequestId, ThreadsNeverShareOne) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made) {
    threads.emplace_back([&ids] {
      for (int i = 0; i < 5'000; ++i) ids.emplace_back(new_request_id().view());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 20'000U);
}

TEST(RequestId, RefusesWhatCouldNotStandInALogOrHeader) {
  EXPECT_TRUE(acceptable_request_id("4bf92f35-77b3:4da6/a3ce.929d_0e0e+x=@"));
  EXPECT_TRUE(acceptable_request_id(std::string(128, 'a')));
  for (const std::string& id : {std::string{}, std::string(129, 'a'), std::string{"a b"}, std::string{"a\r\nb"},
                                std::string{"a\"b"}, std::string{"a$(x)"}, std::string{"ä"}, std::string(1, '\0')}) {
    EXPECT_FALSE(acceptable_request_id(id)) << id;
  }
}

}  // namespace
}  // namespace intragate
