// SubjectTable: which record belongs to a subject. A flat hash table from Subject to an index.
// Owner: whoever keeps the records. Thread: one at a time. Does not: own records, keep names.
// Rule: open addressing, linear probing, at most half full, removal by shifting back (Knuth, TAOCP 3, 6.4, algorithm
// R); a subject is its own hash.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "qos/subject.h"

namespace intragate::qos {

inline constexpr std::uint32_t kNone = UINT32_MAX;  // no index

class SubjectTable {
 public:
  [[nodiscard]] std::uint32_t find(Subject subject) const {
    for (std::size_t at = home(subject);; at = next(at)) {
      if (cells_[at].index == kNone) return kNone;
      if (cells_[at].subject == subject) return cells_[at].index;
    }
  }
  // REQUIRES: the subject is not in the table.
  void insert(Subject subject, std::uint32_t index) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    place({subject, index});
    ++size_;
  }
  void erase(Subject subject) {
    std::size_t hole = home(subject);
    while (cells_[hole].index != kNone && cells_[hole].subject != subject) hole = next(hole);
    if (cells_[hole].index == kNone) return;
    --size_;
    for (std::size_t at = next(hole); cells_[at].index != kNone; at = next(at)) {
      // A cell may move into the hole unless its home lies behind the hole, cyclically.
      const std::size_t distance = (at - home(cells_[at].subject)) & (cells_.size() - 1);
      if (distance < ((at - hole) & (cells_.size() - 1))) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole].index = kNone;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return cells_.capacity() * sizeof(Cell); }

 private:
  struct Cell {
    Subject subject{};
    std::uint32_t index = kNone;
  };
  [[nodiscard]] std::size_t home(Subject subject) const {
    return static_cast<std::size_t>(subject) & (cells_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (cells_.size() - 1); }
  void place(Cell cell) {
    std::size_t at = home(cell.subject);
    while (cells_[at].index != kNone) at = next(at);
    cells_[at] = cell;
  }
  void grow() {
    std::vector<Cell> old = std::exchange(cells_, std::vector<Cell>(cells_.size() * 2));
    for (const Cell& cell : old) {
      if (cell.index != kNone) place(cell);
    }
  }

  std::vector<Cell> cells_ = std::vector<Cell>(16);  // always a power of two
  std::size_t size_ = 0;
};

}  // namespace intragate::qos
