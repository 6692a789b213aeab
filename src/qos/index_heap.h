// IndexHeap: a binary heap of indices whose records know their place in it, so that any of them can be moved or taken
// out in O(log n). Owner: the scheduler's parts. Thread: one at a time. Does not: own records.
// `order` says which comes first (`before(a, b)`) and where a record keeps its place (`place(a)`).
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace intragate::qos {

class IndexHeap {
 public:
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::uint32_t top() const { return items_.front(); }  // REQUIRES: not empty
  [[nodiscard]] std::span<const std::uint32_t> items() const { return items_; }
  [[nodiscard]] std::size_t bytes() const { return items_.capacity() * sizeof(std::uint32_t); }

  template <class Order>
  void push(std::uint32_t item, const Order& order) {
    items_.push_back(item);
    rise(items_.size() - 1, order);
  }
  template <class Order>
  void remove(std::uint32_t item, const Order& order) {
    const std::size_t at = order.place(item);
    const std::uint32_t last = items_.back();
    items_.pop_back();
    if (last == item) return;
    items_[at] = last;
    order.place(last) = static_cast<std::uint32_t>(at);
    update(last, order);
  }
  // After `item`'s rank has changed.
  template <class Order>
  void update(std::uint32_t item, const Order& order) {
    rise(order.place(item), order);
    sink(order.place(item), order);
  }

 private:
  template <class Order>
  void rise(std::size_t at, const Order& order) {
    const std::uint32_t item = items_[at];
    for (; at > 0; at = (at - 1) / 2) {
      const std::uint32_t parent = items_[(at - 1) / 2];
      if (!order.before(item, parent)) break;
      put(at, parent, order);
    }
    put(at, item, order);
  }
  template <class Order>
  void sink(std::size_t at, const Order& order) {
    const std::uint32_t item = items_[at];
    for (std::size_t child = 2 * at + 1; child < items_.size(); child = 2 * at + 1) {
      if (child + 1 < items_.size() && order.before(items_[child + 1], items_[child])) ++child;
      if (!order.before(items_[child], item)) break;
      put(at, items_[child], order);
      at = child;
    }
    put(at, item, order);
  }
  template <class Order>
  void put(std::size_t at, std::uint32_t item, const Order& order) {
    items_[at] = item;
    order.place(item) = static_cast<std::uint32_t>(at);
  }

  std::vector<std::uint32_t> items_;
};

}  // namespace intragate::qos
