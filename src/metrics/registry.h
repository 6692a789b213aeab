// All metrics of the process: one Shard for each loop, added up when scraped. Counting takes no lock and no atomic
// read-modify-write; only the first look-up of a label set does.
// Owner: app; outlives all loops. Thread: loop(i) and what it hands out only on that loop, process() only on the thread that
// scrapes, text() any. Does not: read clocks or /proc (process.h), serve HTTP (admin).
// Rule: Prometheus text exposition format 0.0.4.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metrics/names.h"
#include "metrics/series.h"

namespace intragate::metrics {

// Label values in the order of names.h.
using Labels = std::initializer_list<std::string_view>;

inline constexpr std::size_t kMaxSeries = 2000;  // label sets of one metric; what comes later is counted as `other`
inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

class Registry;

// One thread's numbers. References handed out stay valid as long as the registry: keep them where they are used often.
class Shard {
 public:
  Shard(Registry& registry) : registry_{registry} {}
  Shard(const Shard&) = delete;

  // REQUIRES: `metric` is of that type and `labels` has as many values as names.h says. Costs a hash look-up; the first time
  // for a label set also a lock. Values that are not UTF-8 come out with '?' in place of the bad bytes.
  Counter& counter(Metric metric, Labels labels = {});
  Gauge& gauge(Metric metric, Labels labels = {});
  Histogram& histogram(Metric metric, Labels labels = {});

 private:
  template <class Series>
  Series& find(Metric metric, Labels labels, std::deque<Series>& all);

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Known = std::unordered_map<std::string, void*, Hash, std::equal_to<>>;

  Registry& registry_;
  std::array<Known, kMetricCount> known_;
  std::string key_;  // reused, so that a look-up allocates nothing
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::deque<Histogram> histograms_;
};

class Registry {
 public:
  explicit Registry(std::size_t loops);
  ~Registry();

  [[nodiscard]] Shard& loop(std::size_t index) { return *shards_[index]; }
  // For what belongs to no loop: process figures, reloads, totals published when scraped.
  [[nodiscard]] Shard& process() { return *shards_.back(); }

  // Everything as Prometheus text. Metrics without a series yet are left out, except those without labels, which are 0.
  [[nodiscard]] std::string text() const;

 private:
  friend class Shard;
  // The shards' series with the same labels; they are added up.
  using Parts = std::vector<const void*>;
  using Family = std::map<std::string, Parts, std::less<>>;  // by label values joined with '\0'

  // Whether the metric may have one more series with this key; if so the caller's is entered. Under mutex_.
  bool enter(Metric metric, const std::string& key, const void* series);
  [[nodiscard]] bool has_room(Metric metric, const std::string& key) const;

  mutable std::mutex mutex_;  // guards families_
  std::array<Family, kMetricCount> families_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace intragate::metrics
