// Counter, gauge and histogram of one loop for one set of labels. Written by that loop alone, read by whoever scrapes:
// relaxed loads and stores are enough, so counting costs what adding to a plain number costs. Owner: a Shard
// (registry.h). Thread: writing methods only the shard's, value() any. Does not: know its name or labels.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "metrics/names.h"

namespace intragate::metrics {

// What the three have in common: nothing but living in the same lists.
struct Series {};

// A number with one writer. A double like everything in Prometheus: whole numbers are exact up to 2^53.
class Number : public Series {
 public:
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 protected:
  void put(double value) { value_.store(value, std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Counter : public Number {
 public:
  void add(double n = 1) { put(value() + n); }
  // For totals that are counted elsewhere (net's plain structs, the audit writer) and published when scraped.
  void set_total(double total) { put(total); }
};

class Gauge : public Number {
 public:
  void set(double value) { put(value); }
  void add(double n) { put(value() + n); }
};

class Histogram : public Series {
 public:
  // `bounds`: upper bounds (inclusive), ascending, at most kMaxBounds; they live as long as the program.
  explicit Histogram(std::span<const double> bounds) : bounds_{bounds} {}

  void observe(double value) {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    counts_[bucket].store(counts_[bucket].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }

  // Values in bucket i, not cumulative; i == bounds.size() is +Inf.
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  [[nodiscard]] double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::span<const double> bounds_;
  std::array<std::atomic<std::uint64_t>, kMaxBounds + 1> counts_{};
  std::atomic<double> sum_{0};
};

}  // namespace intragate::metrics
