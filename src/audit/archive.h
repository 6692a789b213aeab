// What becomes of files that are full: compressed, and one day removed, by age or because all together are too large. A
// removal is on record before the file goes: the record names the last record that goes with it, so that what is left
// can be verified from its beginning. Owner: Writer. Thread: the writer's, in slices of some milliseconds. Does not:
// touch the file that is being written, nor remove anything but the oldest file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/directory.h"
#include "base/time.h"

namespace intragate::audit {

class Packer;

class Archive {
 public:
  struct Options {
    bool compress = false;
    Duration keep{};              // zero: for ever
    std::uint64_t max_total = 0;  // bytes; 0: any
  };
  Archive(std::string directory, Options options);
  Archive(Archive&&) noexcept;
  ~Archive();

  // A slice of work; call only while everything that was noted before is on disk. `current` is the number of the file
  // being written. Returns the detail of the event `removed` that must be on disk before the next call.
  std::optional<std::string> work(std::uint64_t current, WallTime now);

 private:
  void remove_pending();
  void begin_packing(const std::vector<AuditFile>& files, std::uint64_t current);
  std::optional<std::string> choose_removal(const std::vector<AuditFile>& files, std::uint64_t current, WallTime now);

  std::string directory_;
  Options options_;
  std::unique_ptr<Packer> packer_;
  bool packing_failed_ = false;  // the last time
  std::string pending_;          // the file whose removal is on record
  std::uint64_t looked_at_ = 0;  // `current` when the directory was last looked through
  WallTime look_again_{};
};

}  // namespace intragate::audit
