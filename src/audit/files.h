// The numbered files of data_dir/audit: 00000001.jsonl, 00000002.jsonl, … Whole lines only ever come back from a crash:
// what a torn last line left behind is cut when the directory is opened. Owner: Writer. Thread: open() any, the rest
// the writer's thread. Does not: know records beyond their leading `{"seq":N`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/chain.h"
#include "base/result.h"

namespace intragate::audit {

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

class Files {
 public:
  // Makes the directory (0700) and locks it against a second gateway for as long as this object lives; finds the newest
  // file and cuts its torn last line. Errors: io.
  static Result<Files> open(const std::string& directory, std::uint64_t file_limit);

  // The last record on disk.
  [[nodiscard]] const Link& last() const { return last_; }

  // Call only between lines: begins the next file (fsyncing this one) when this one has reached its limit or was
  // deleted.
  Result<Unit> make_ready();
  // Writes a beginning of `bytes` and returns its length, at least 1. Errors: io; nothing was written then.
  Result<std::size_t> append(std::string_view bytes);
  Result<Unit> sync();

 private:
  Files() = default;
  Result<Unit> find_end();
  Result<Unit> open_file(std::uint64_t number);
  Result<Unit> cut_torn_line();
  [[nodiscard]] std::string path(std::uint64_t number) const;

  std::string directory_;
  std::uint64_t file_limit_ = 0;
  Descriptor directory_fd_;  // holds the lock
  Descriptor file_;
  std::uint64_t number_ = 0;
  std::uint64_t size_ = 0;
  Link last_;
};

}  // namespace intragate::audit
