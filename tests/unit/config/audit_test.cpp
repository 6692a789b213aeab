// `audit` of the file: where copies of the records go.
#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

Loaded load_with(std::string_view copies) {
  return load("audit:\n  copies:\n" + std::string{copies} + "\n" + std::string{kOneModel});
}

TEST(ConfigAudit, ReadsEveryWayToSayWhereACopyGoes) {
  const Loaded loaded = load_with(
      "  - {to: 'syslog+udp://10.0.0.1'}\n"
      "  - {to: 'syslog+tcp://log.corp'}\n"
      "  - {to: 'syslog+tls://[fd00::1]', buffer: 1MiB, on_full: refuse}\n"
      "  - {to: 'lines+tcp://log.corp:5140'}\n"
      "  - {to: 'LINES+TLS://log.corp:5141'}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  const std::vector<AuditCopy>& copies = loaded.config.audit.copies;
  ASSERT_EQ(copies.size(), 5U);
  EXPECT_EQ(copies[0].way, AuditCopy::Way::datagrams);
  EXPECT_EQ(copies[0].host, "10.0.0.1");
  EXPECT_EQ(copies[0].port, 514);
  EXPECT_EQ(copies[0].buffer, 16 * kMiB);
  EXPECT_EQ(copies[0].on_full, OnFull::drop);
  EXPECT_EQ(copies[1].port, 601);
  EXPECT_FALSE(copies[1].tls);
  EXPECT_EQ(copies[2].host, "fd00::1");
  EXPECT_EQ(copies[2].port, 6514);
  EXPECT_TRUE(copies[2].tls);
  EXPECT_EQ(copies[2].buffer, kMiB);
  EXPECT_EQ(copies[2].on_full, OnFull::refuse);
  EXPECT_EQ(copies[3].form, AuditCopy::Form::lines);
  EXPECT_EQ(copies[3].port, 5140);
  EXPECT_TRUE(copies[4].tls);
}

TEST(ConfigAudit, RefusesTargetsThatSayTooLittleOrTooMuch) {
  EXPECT_TRUE(contains(all_problems(load_with("  - {to: 'http://10.0.0.1'}")), "a copy goes to syslog+udp://"));
  EXPECT_TRUE(contains(all_problems(load_with("  - {to: 'log.corp:514'}")), "a copy goes to syslog+udp://"));
  EXPECT_TRUE(contains(all_problems(load_with("  - {to: 'lines+tcp://log.corp'}")), "no usual port"));
  EXPECT_TRUE(contains(all_problems(load_with("  - {to: 'syslog+tcp://log.corp/x'}")), "nothing behind"));
  EXPECT_TRUE(contains(all_problems(load_with("  - {to: 'syslog+tcp://a b'}")), "no usable host name"));
  EXPECT_TRUE(contains(all_problems(load_with("  - {to: 'syslog+tcp://log', tls: {server_name: a}}")),
                       "needs a target that begins with syslog+tls://"));
  EXPECT_TRUE(contains(all_problems(load_with("  - {to: 'syslog+tcp://log'}\n  - {to: 'syslog+tcp://log'}")),
                       "another copy goes there already"));
  EXPECT_TRUE(contains(all_problems(load_with("  - {on_full: drop}")), "`to` is missing in audit.copies[0]"));
}

TEST(ConfigAudit, ACopyThatEgressForbidsIsRemarked) {
  const Loaded loaded = load_with("  - {to: 'syslog+udp://192.0.2.1'}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_TRUE(contains(all_warnings(loaded), "no record will get there"));
}

}  // namespace
}  // namespace intragate::config
