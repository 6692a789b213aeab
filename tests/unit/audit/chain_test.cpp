#include "audit/chain.h"

#include <gtest/gtest.h>

#include <vector>

namespace intragate::audit {
namespace {

std::string sealed(std::string_view fields, Link& last) {
  std::string line = "{\"seq\":" + std::to_string(++last.seq) + std::string{fields};
  seal(line, 0, last);
  line.pop_back();
  return line;
}

TEST(AuditChain, ARecordIsSealedByAHashOverItsBytesAndThoseOfPrev) {
  Link last;
  const std::string line = sealed(R"(,"a":1)", last);
  // echo -n '{"seq":1,"a":1,"prev":"000…"' | sha256sum
  EXPECT_EQ(line, R"({"seq":1,"a":1,"prev":"0000000000000000000000000000000000000000000000000000000000000000",)"
                  R"("hash":"68b0eed178ee6df443df12715e07cc2dfa46ece6191eec1d02767d5ccb8c3bcb"})");
  EXPECT_EQ(last.seq, 1U);
  EXPECT_TRUE(line.find(view(last.hash)) != std::string::npos);
}

TEST(AuditChain, EachRecordFollowsTheOneBefore) {
  Link last;
  const std::string first = sealed(R"(,"a":1)", last);
  const std::string second = sealed(R"(,"a":2)", last);
  const auto read = read_sealed(second);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->seq, 2U);
  EXPECT_EQ(read->prev, read_sealed(first)->hash);
  EXPECT_EQ(read->hash, view(last.hash));
}

TEST(AuditChain, AnySingleBitChangedIsFound) {
  Link last{.seq = 41};
  const std::string line = sealed(R"(,"principal":"dify","model":"qwen")", last);
  for (std::size_t at = 0; at < line.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = line;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const auto read = read_sealed(changed);
      EXPECT_FALSE(read && intact(*read)) << changed;
    }
  }
}

TEST(AuditChain, WhatIsNoRecordIsRefused) {
  Link last;
  const std::string line = sealed(R"(,"a":1)", last);
  for (std::size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(read_sealed(std::string_view{line}.substr(0, size)));
    EXPECT_FALSE(read_sealed(std::string_view{line}.substr(line.size() - size)));
  }
  EXPECT_FALSE(read_sealed(line + " "));
  std::string spelled = line;
  EXPECT_FALSE(read_sealed(spelled.replace(7, 1, "01")));
  spelled = line;
  EXPECT_FALSE(read_sealed(spelled.replace(7, 1, "99999999999999999999999")));
}

}  // namespace
}  // namespace intragate::audit
