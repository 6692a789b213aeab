// Slab: records by index, given back and reused; an index stays valid while the slab grows, a reference does not.
// Owner: whoever keeps the records. Thread: one at a time. Does not: shrink by itself: it keeps the room of
// its busiest moment until shed().
#pragma once

#include <cstdint>
#include <vector>

namespace intragate::qos {

template <class Record>
class Slab {
 public:
  // The index of a record that nobody uses. It is as its last user left it: whoever takes it fills it in.
  [[nodiscard]] std::uint32_t take() {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    records_.emplace_back();
    free_.reserve(records_.capacity());  // so that giving back never allocates
    return static_cast<std::uint32_t>(records_.size() - 1);
  }
  void give_back(std::uint32_t index) noexcept { free_.push_back(index); }
  // Gives the room of a crowd back once all of it has left. Indices begin anew then, records too.
  void shed() noexcept {
    if (used() > 0 || records_.size() <= kWorthKeeping) return;
    std::vector<Record>{}.swap(records_);
    std::vector<std::uint32_t>{}.swap(free_);
  }

  [[nodiscard]] Record& operator[](std::uint32_t index) { return records_[index]; }
  [[nodiscard]] const Record& operator[](std::uint32_t index) const { return records_[index]; }
  [[nodiscard]] std::size_t end() const { return records_.size(); }  // indices are below
  [[nodiscard]] std::size_t used() const { return records_.size() - free_.size(); }
  [[nodiscard]] std::size_t bytes() const {
    return records_.capacity() * sizeof(Record) + free_.capacity() * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::size_t kWorthKeeping = 1024;  // records
  std::vector<Record> records_;
  std::vector<std::uint32_t> free_;
};

}  // namespace intragate::qos
