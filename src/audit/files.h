// The numbered files of data_dir/audit as they are written: 00000001.jsonl, 00000002.jsonl, … Whole lines only ever
// come back from a crash: what a torn last line left behind is cut when the directory is opened. Owner: Writer. Thread:
// open() any, the rest the writer's thread. Does not: make records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "audit/chain.h"
#include "audit/descriptor.h"
#include "audit/found.h"
#include "base/result.h"

namespace intragate::audit {

class Files {
 public:
  // Makes the directory (0700) and locks it against a second gateway for as long as this object lives; finds the newest
  // file and cuts its torn last line. Errors: io.
  static Result<Files> open(const std::string& directory, std::uint64_t file_limit);

  [[nodiscard]] const Found& found() const { return found_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }  // of the file being written

  // Call only between lines: begins the next file (fsyncing this one) when this one has reached its limit or was
  // deleted.
  Result<Unit> make_ready();
  // The name of a file that was deleted while records were written to it; empty: none since the last question.
  [[nodiscard]] std::string take_lost() { return std::exchange(lost_, {}); }
  // Writes a beginning of `bytes` and returns its length, at least 1. Errors: io; nothing was written then.
  Result<std::size_t> append(std::string_view bytes);
  Result<Unit> sync();

 private:
  Files() = default;
  Result<Unit> find_end();
  void look_at_head();
  Result<Unit> open_file(std::uint64_t number);
  Result<Unit> cut_torn_line();
  [[nodiscard]] std::string path() const;

  std::string directory_;
  std::uint64_t file_limit_ = 0;
  Descriptor directory_fd_;  // holds the lock
  Descriptor file_;
  std::uint64_t number_ = 0;
  std::uint64_t size_ = 0;
  std::string lost_;
  Found found_;
};

}  // namespace intragate::audit
