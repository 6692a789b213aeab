#include "metrics/registry.h"

#include <cassert>
#include <span>
#include <utility>

#include "metrics/text.h"

namespace intragate::metrics {

Shard::Shard(Registry& registry)
    : registry_{registry}, overflow_{static_cast<Counter*>(&enter(Metric::series_overflow, {}))} {}

Counter& Shard::counter(Metric metric, Labels labels) {
  assert(definition(metric).type == Type::counter);
  return static_cast<Counter&>(find(metric, labels));
}

Gauge& Shard::gauge(Metric metric, Labels labels) {
  assert(definition(metric).type == Type::gauge);
  return static_cast<Gauge&>(find(metric, labels));
}

Histogram& Shard::histogram(Metric metric, Labels labels) {
  assert(definition(metric).type == Type::histogram);
  return static_cast<Histogram&>(find(metric, labels));
}

void Shard::make_key(Labels labels) {
  key_.clear();
  for (const std::string_view value : labels) {
    key_ += value;
    key_ += '\0';
  }
}

void Shard::remove(Metric metric, Labels labels) {
  make_key(labels);
  Known& known = known_[static_cast<std::size_t>(metric)];
  const auto at = known.find(std::string_view{key_});
  if (at == known.end()) return;
  Registry::Family& family = registry_.families_[static_cast<std::size_t>(metric)];
  const std::lock_guard lock{registry_.mutex_};
  const auto printed = family.find(label_text(definition(metric), std::span{labels.begin(), labels.size()}));
  if (printed != family.end()) {  // or it is one of `other`, which stays
    std::erase(printed->second, at->second);
    if (printed->second.empty()) family.erase(printed);
  }
  known.erase(at);
}

Series& Shard::find(Metric metric, Labels labels) {
  assert(labels.size() == definition(metric).label_count());
  make_key(labels);
  Known& known = known_[static_cast<std::size_t>(metric)];
  const auto at = known.find(std::string_view{key_});
  return at != known.end() ? *at->second : enter(metric, labels);
}

Series& Shard::enter(Metric metric, Labels labels) {
  const Definition& row = definition(metric);
  Known& known = known_[static_cast<std::size_t>(metric)];
  Registry::Family& family = registry_.families_[static_cast<std::size_t>(metric)];
  std::string printed = label_text(row, std::span{labels.begin(), labels.size()});

  const std::lock_guard lock{registry_.mutex_};
  if (family.size() >= kMaxSeries && !family.contains(printed)) {
    overflow_->add();
    constexpr std::string_view kOther = "other";
    const std::array<std::string_view, kMaxLabels> others{kOther, kOther, kOther, kOther};
    key_.assign(1, '\xff');  // no label set's key: those end in '\0'
    if (const auto at = known.find(std::string_view{key_}); at != known.end()) return *at->second;
    printed = label_text(row, std::span{others}.first(row.label_count()));
  }
  Series& fresh = make(row);
  family[printed].push_back(&fresh);
  known.emplace(key_, &fresh);
  return fresh;
}

Series& Shard::make(const Definition& row) {
  switch (row.type) {
    case Type::counter: return counters_.emplace_back();
    case Type::gauge: return gauges_.emplace_back();
    case Type::histogram: break;
  }
  return histograms_.emplace_back(row.bounds);
}

Registry::Registry(std::size_t loops) {
  for (std::size_t i = 0; i <= loops; ++i) shards_.push_back(std::make_unique<Shard>(*this));
  for (const Definition& row : kTable) {
    if (row.label_count() > 0) continue;
    if (row.type == Type::counter) process().counter(row.metric);
    if (row.type == Type::gauge) process().gauge(row.metric);
  }
}

std::string Registry::text() const {
  std::string out;
  std::vector<std::pair<std::string_view, Parts>> series;
  for (const Definition& row : kTable) {
    series.clear();
    {
      const std::lock_guard lock{mutex_};  // for copying pointers only: a loop may be waiting to enter a series
      for (const auto& [labels, parts] : families_[static_cast<std::size_t>(row.metric)])
        series.emplace_back(labels, parts);
    }
    if (series.empty()) continue;
    append_heading(out, row);
    for (const auto& [labels, parts] : series) append_sample(out, row, labels, parts);
  }
  return out;
}

}  // namespace intragate::metrics
