// Reads an audit file line by line, plain or compressed (zstd, by its name), in bounded memory whatever the file holds.
// Owner: one reader, one file. Thread: one. Does not: know what a line means.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audit/descriptor.h"
#include "audit/directory.h"
#include "base/result.h"

namespace intragate::audit {

class LineReader {
 public:
  // Errors: io.
  static Result<LineReader> open(const AuditFile& file);
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;
  ~LineReader();

  // The next whole line without its line feed, valid until the next call; nothing: the end so far, or a failure. After
  // the end a plain file may grow: ask again.
  std::optional<std::string_view> next();
  [[nodiscard]] std::uint64_t line() const { return line_; }  // the number of the one returned last
  // Bytes behind the last line feed: a line that is being written, or was never finished.
  [[nodiscard]] std::size_t torn() const { return end_ - begin_; }
  // Why the end is not that of the file: unreadable, damaged compression, a line without end.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Unpacker;
  LineReader(Descriptor file, std::string path, std::unique_ptr<Unpacker> unpacker);
  bool fill();
  std::size_t read_plain(char* to, std::size_t room);
  std::size_t unpack(char* to, std::size_t room);
  void fail(std::string why);

  Descriptor file_;
  std::string path_;
  std::unique_ptr<Unpacker> unpacker_;  // compressed files only
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;  // no line feed before
  std::size_t end_ = 0;
  std::uint64_t line_ = 0;
  std::optional<Error> failure_;
};

}  // namespace intragate::audit
