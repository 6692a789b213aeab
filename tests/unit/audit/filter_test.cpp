#include "audit/filter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/record.h"
#include "base/json_scan.h"

namespace intragate::audit {
namespace {

std::string line_of(const Record& record) {
  std::string line;
  append_seq(line, 17);
  append_fields(line, record);
  return line + R"(,"prev":"00","hash":"11"})";
}

TEST(Filter, AnExportHasEveryFieldThatARecordCanHave) {
  Record record;
  record.content = "{}";
  record.content_rules = R"([{"rule":"r"}])";
  record.continued_from = "http://a";
  const std::string line = line_of(record);
  json::ObjectScan scan{line};
  while (const std::optional<json::Member> member = scan.next()) {
    EXPECT_NE(std::find(columns().begin(), columns().end(), member->key), columns().end()) << member->key;
  }
  EXPECT_FALSE(scan.failed());
  const std::vector<std::string_view> members = members_of(line);
  EXPECT_EQ(std::count(members.begin(), members.end(), R"([{"rule":"r"}])"), 1);
  EXPECT_EQ(members.back(), R"("11")");
}

TEST(Filter, NumbersOfRecordsAreBoundsThatAreIn) {
  const std::string line = line_of({});
  const auto matches = [&](std::uint64_t from, std::uint64_t to) {
    Filter filter;
    filter.from = from;
    filter.to = to;
    return Matcher{filter}.matches(line);
  };
  EXPECT_TRUE(matches(17, 17));
  EXPECT_TRUE(matches(0, ~0ULL));
  EXPECT_FALSE(matches(18, 20));
  EXPECT_FALSE(matches(1, 16));
}

}  // namespace
}  // namespace intragate::audit
