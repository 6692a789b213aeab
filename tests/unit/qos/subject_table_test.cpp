#include "qos/subject_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/random.h"

namespace intragate::qos {
namespace {

TEST(Subject, DiffersByNameKeyAndSeed) {
  std::set<Subject> all;
  for (int i = 0; i < 10'000; ++i) all.insert(subject_of("user-" + std::to_string(i), 1));
  EXPECT_EQ(all.size(), 10'000U);
  EXPECT_EQ(subject_of("alice", 1), subject_of("alice", 1));
  EXPECT_NE(subject_of("alice", 1), subject_of("alice", 2));
  EXPECT_NE(subject_of("", 1), subject_of(std::string(1, '\0'), 1));
  EXPECT_NE(user_of(subject_of("dify", 1), "alice"), user_of(subject_of("other", 1), "alice"));
}

TEST(Subject, WithoutAUserIsTheKeyItself) {
  const Subject key = subject_of("dify", 1);
  EXPECT_EQ(user_of(key, ""), key);
}

TEST(SubjectTable, FindsWhatIsThereAndNothingElse) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random{seed};
    SubjectTable table;
    std::map<std::uint64_t, std::uint32_t> model;
    for (std::uint32_t step = 0; step < 20'000; ++step) {
      const std::uint64_t subject = (random.next() % 300) << (random.next() % 2 == 0 ? 0 : 40);  // many meet
      if (model.contains(subject)) {
        ASSERT_EQ(table.find(Subject{subject}), model[subject]);
        if (random.next() % 2 == 0) {
          table.erase(Subject{subject});
          model.erase(subject);
        }
      } else {
        ASSERT_EQ(table.find(Subject{subject}), kNone);
        table.insert(Subject{subject}, step);
        model[subject] = step;
      }
      ASSERT_EQ(table.size(), model.size());
    }
    for (const auto& [subject, index] : model) EXPECT_EQ(table.find(Subject{subject}), index);
    table.erase(Subject{12345});
    EXPECT_EQ(table.size(), model.size());
  }
}

}  // namespace
}  // namespace intragate::qos
