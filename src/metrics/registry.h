// All metrics of the process: one Shard for each loop, added up when scraped. Counting takes no lock and no atomic
// read-modify-write; only the first look-up of a label set does.
// Owner: app; outlives all loops. Thread: loop(i) and what it hands out only on that loop, process() only on the thread
// that scrapes, text() any. Does not: read clocks or /proc (process.h), serve HTTP (admin). Rule: Prometheus text
// exposition format 0.0.4.
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
  explicit Shard(Registry& registry);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // REQUIRES: `metric` is of that type and `labels` has as many values as names.h says. Costs a hash look-up; the first
  // time for a label set also a lock. Bytes that are not UTF-8 come out as '?'.
  Counter& counter(Metric metric, Labels labels = {});
  Gauge& gauge(Metric metric, Labels labels = {});
  Histogram& histogram(Metric metric, Labels labels = {});
  // No longer prints what this shard holds under these labels; references to it stay valid, but lead nowhere. Only on
  // the thread that calls Registry::text().
  void remove(Metric metric, Labels labels);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Known = std::unordered_map<std::string, Series*, Hash, std::equal_to<>>;  // by label values joined with '\0'

  void make_key(Labels labels);
  Series& find(Metric metric, Labels labels);
  Series& enter(Metric metric, Labels labels);
  Series& make(const Definition& row);

  Registry& registry_;
  std::array<Known, kMetricCount> known_;
  std::string key_;  // reused, so that a look-up allocates nothing
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::deque<Histogram> histograms_;
  Counter* overflow_ = nullptr;
};

class Registry {
 public:
  explicit Registry(std::size_t loops);

  [[nodiscard]] Shard& loop(std::size_t index) { return *shards_[index]; }
  // For what belongs to no loop: process figures, reloads, totals published when scraped.
  [[nodiscard]] Shard& process() { return *shards_.back(); }

  // Everything as Prometheus text. A metric without labels is there from the start, the others from their first series
  // on.
  [[nodiscard]] std::string text() const;

 private:
  friend class Shard;
  using Parts = std::vector<const Series*>;                  // one for each shard that counts this label set: added up
  using Family = std::map<std::string, Parts, std::less<>>;  // by labels as they are printed: `api="chat",model="m"`

  mutable std::mutex mutex_;  // guards families_; its strings never move, and go only between two texts
  std::array<Family, kMetricCount> families_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace intragate::metrics
