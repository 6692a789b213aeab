#include "metrics/registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "metrics/process.h"

namespace intragate::metrics {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Registry, AddsUpWhatTheLoopsCounted) {
  Registry registry{2};
  registry.loop(0).counter(Metric::reloads, {"ok"}).add();
  registry.loop(1).counter(Metric::reloads, {"ok"}).add(2);
  registry.process().counter(Metric::reloads, {"ok"}).add(1'000'000);
  registry.loop(1).counter(Metric::reloads, {"refused"}).add();
  const std::string text = registry.text();
  EXPECT_TRUE(has_line(text, "intragate_reloads_total{result=\"ok\"} 1000003")) << text;
  EXPECT_TRUE(has_line(text, "intragate_reloads_total{result=\"refused\"} 1"));
  EXPECT_TRUE(has_line(text, "# TYPE intragate_reloads_total counter"));
  EXPECT_TRUE(
      has_line(text, "# HELP intragate_reloads_total Configuration reloads: ok or refused (the old one stays)."));
}

TEST(Registry, SameLabelsAreTheSameSeries) {
  Registry registry{1};
  Shard& loop = registry.loop(0);
  EXPECT_EQ(&loop.counter(Metric::upstream_errors, {"m", "k"}), &loop.counter(Metric::upstream_errors, {"m", "k"}));
  EXPECT_NE(&loop.counter(Metric::upstream_errors, {"m", "k"}), &loop.counter(Metric::upstream_errors, {"mk", ""}));
}

TEST(Registry, ReferencesStayValidWhenSeriesCome) {
  Registry registry{1};
  Counter& first = registry.loop(0).counter(Metric::upstream_errors, {"first", "k"});
  for (int i = 0; i < 1000; ++i) registry.loop(0).counter(Metric::upstream_errors, {std::to_string(i), "k"});
  first.add(7);
  EXPECT_TRUE(has_line(registry.text(), "intragate_upstream_errors_total{model=\"first\",kind=\"k\"} 7"));
}

TEST(Registry, GaugesOfLoopsGoUpAndDown) {
  Registry registry{2};
  registry.loop(0).gauge(Metric::open_streams, {"m"}).add(3);
  registry.loop(1).gauge(Metric::open_streams, {"m"}).add(1);
  registry.loop(0).gauge(Metric::open_streams, {"m"}).add(-2);
  EXPECT_TRUE(has_line(registry.text(), "intragate_open_streams{model=\"m\"} 2"));
}

TEST(Registry, HistogramBucketsAreCumulativeAndInclusive) {
  Registry registry{2};
  Histogram& histogram = registry.loop(0).histogram(Metric::queue_seconds, {"m"});
  histogram.observe(0.001);  // on the boundary: belongs to it
  histogram.observe(0.3);
  registry.loop(1).histogram(Metric::queue_seconds, {"m"}).observe(100);
  const std::string text = registry.text();
  EXPECT_TRUE(has_line(text, "intragate_queue_seconds_bucket{model=\"m\",le=\"0.001\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "intragate_queue_seconds_bucket{model=\"m\",le=\"0.1\"} 1"));
  EXPECT_TRUE(has_line(text, "intragate_queue_seconds_bucket{model=\"m\",le=\"0.5\"} 2"));
  EXPECT_TRUE(has_line(text, "intragate_queue_seconds_bucket{model=\"m\",le=\"60\"} 2"));
  EXPECT_TRUE(has_line(text, "intragate_queue_seconds_bucket{model=\"m\",le=\"+Inf\"} 3"));
  EXPECT_TRUE(has_line(text, "intragate_queue_seconds_sum{model=\"m\"} 100.301"));
  EXPECT_TRUE(has_line(text, "intragate_queue_seconds_count{model=\"m\"} 3"));
  EXPECT_TRUE(has_line(text, "# TYPE intragate_queue_seconds histogram"));
}

TEST(Registry, MetricsWithoutLabelsAreThereFromTheStart) {
  const std::string text = Registry{1}.text();
  EXPECT_TRUE(has_line(text, "intragate_audit_dropped_total 0"));
  EXPECT_EQ(text.find("intragate_requests_total"), std::string::npos);
}

TEST(Registry, EscapesLabelsAndMendsBytesThatAreNotUtf8) {
  Registry registry{1};
  registry.loop(0).counter(Metric::reloads, {"a\"b\\c\nd\xff\xc3\xa4\xed\xa0\x80"}).add();
  EXPECT_NE(registry.text().find("{result=\"a\\\"b\\\\c\\nd?\xc3\xa4?"), std::string::npos) << registry.text();
}

TEST(Registry, PutsTheSeriesBeyondTheLimitIntoOther) {
  Registry registry{2};
  for (std::size_t i = 0; i < kMaxSeries; ++i) registry.loop(0).counter(Metric::reloads, {std::to_string(i)}).add();
  registry.loop(0).counter(Metric::reloads, {"one too many"}).add(5);
  registry.loop(1).counter(Metric::reloads, {"and another"}).add(6);
  registry.loop(1).counter(Metric::reloads, {"7"}).add(9);  // known to the other loop: no new series
  const std::string text = registry.text();
  EXPECT_TRUE(has_line(text, "intragate_reloads_total{result=\"other\"} 11"));
  EXPECT_TRUE(has_line(text, "intragate_reloads_total{result=\"7\"} 10"));
  EXPECT_TRUE(has_line(text, "intragate_metrics_overflow_total 2"));
  EXPECT_EQ(text.find("too many\"}"), std::string::npos);
}

TEST(Registry, RemovesWhatOneShardPublished) {
  Registry registry{1};
  registry.process().gauge(Metric::endpoint_up, {"m/0"}).set(1);
  registry.process().gauge(Metric::endpoint_up, {"m/1"}).set(1);
  registry.loop(0).gauge(Metric::endpoint_up, {"m/1"}).set(3);
  registry.process().remove(Metric::endpoint_up, {"m/0"});
  registry.process().remove(Metric::endpoint_up, {"m/1"});
  registry.process().remove(Metric::endpoint_up, {"never there"});
  EXPECT_EQ(registry.text().find("m/0"), std::string::npos) << registry.text();
  EXPECT_TRUE(has_line(registry.text(), "intragate_endpoint_up{endpoint=\"m/1\"} 3")) << "another shard's stays";
  registry.process().gauge(Metric::endpoint_up, {"m/0"}).set(7);
  EXPECT_TRUE(has_line(registry.text(), "intragate_endpoint_up{endpoint=\"m/0\"} 7"));
}

TEST(Registry, CanBeScrapedWhileLoopsCountAndEnterSeries) {
  constexpr std::size_t kLoops = 3;
  constexpr int kEach = 20'000;
  Registry registry{kLoops};
  std::atomic<std::size_t> running{kLoops};
  std::vector<std::thread> threads;
  for (std::size_t loop = 0; loop < kLoops; ++loop) {
    threads.emplace_back([&registry, &running, loop] {
      Shard& shard = registry.loop(loop);
      for (int i = 0; i < kEach; ++i) {
        shard.counter(Metric::upstream_errors, {"m", std::to_string(i % 300)}).add();
        shard.histogram(Metric::queue_seconds, {"m"}).observe(1);
      }
      --running;
    });
  }
  while (running > 0) EXPECT_FALSE(registry.text().empty());
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(has_line(registry.text(), "intragate_queue_seconds_count{model=\"m\"} 60000"));
}

TEST(ProcessMetrics, AreThoseOfThisProcess) {
  Registry registry{1};
  publish_process(registry.process());
  EXPECT_GT(registry.process().gauge(Metric::process_memory).value(), 1e6);
  EXPECT_GE(registry.process().gauge(Metric::process_open_fds).value(), 3);
  EXPECT_GT(registry.process().gauge(Metric::process_max_fds).value(), 3);
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(registry.process().gauge(Metric::process_start).value(), now, 3600);
}

}  // namespace
}  // namespace intragate::metrics
