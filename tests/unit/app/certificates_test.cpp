#include "app/certificates.h"

#include <gtest/gtest.h>

#include "metrics/registry.h"

namespace intragate::app {
namespace {

using std::chrono::hours;

WallTime in_days(int days) {
  return std::chrono::system_clock::now() + hours{24 * days};
}

config::Config watched(int certificate, int list, int authority) {
  config::Config config;
  config::Listen listen;
  listen.address = *SocketAddress::parse("127.0.0.1:8443");
  listen.tls.emplace();
  listen.tls->expires = {{"certificate", in_days(certificate)}, {"crl", in_days(list)}};
  config.listen = {listen};
  config::Model model;
  model.name = "m";
  config::Endpoint endpoint;
  endpoint.tls.emplace();
  endpoint.tls->expires = {{"ca", in_days(authority)}};
  model.endpoints = {endpoint};
  config.models = {model};
  return config;
}

// What the log said meanwhile.
std::string said(const config::Config& config, ExpiryNotice& notice, TimePoint now) {
  testing::internal::CaptureStderr();
  notice.warn(config, now);
  return testing::internal::GetCapturedStderr();
}

TEST(Certificates, OfEveryKindHaveTheirUse) {
  const auto all = certificates_of(watched(1, 2, 3));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].use, "listener 127.0.0.1:8443");
  EXPECT_EQ(all[1].use, "listener 127.0.0.1:8443 crl");
  EXPECT_EQ(all[1].what, "list of revoked certificates");
  EXPECT_EQ(all[2].use, "endpoint m/0 ca");
}

TEST(Certificates, ThatEndWithinThirtyDaysAreInTheLogOnceADay) {
  ExpiryNotice notice;
  const TimePoint now = MonotonicClock::now();
  const config::Config config = watched(30, 31, -1);
  const std::string text = said(config, notice, now);
  EXPECT_NE(text.find("a certificate expires soon"), std::string::npos) << text;
  EXPECT_EQ(text.find("list of revoked"), std::string::npos) << "31 days are enough: " << text;
  EXPECT_NE(text.find("a trusted authority has expired"), std::string::npos) << text;
  EXPECT_EQ(said(config, notice, now + hours{23}), "");
  EXPECT_NE(said(config, notice, now + hours{24}).find("expires soon"), std::string::npos);
}

TEST(Certificates, AreGaugesUntilTheyAreGone) {
  metrics::Registry registry{1};
  ExpiryGauges gauges;
  const auto has = [&](const std::string& sample) { return registry.text().find(sample) != std::string::npos; };
  gauges.publish(registry.process(), watched(10, -1, 30));
  const std::string list = "intragate_certificate_expiry_seconds{use=\"listener 127.0.0.1:8443 crl\"} ";
  EXPECT_TRUE(has(list + "-86")) << registry.text();
  EXPECT_TRUE(has("intragate_certificate_expiry_seconds{use=\"endpoint m/0 ca\"} "));
  config::Config without = watched(10, -1, 30);
  without.listen[0].tls->expires.pop_back();
  gauges.publish(registry.process(), without);
  EXPECT_FALSE(has(list));
}

}  // namespace
}  // namespace intragate::app
