#include "audit/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "audit/directory.h"
#include "audit/head.h"
#include "audit/line_reader.h"
#include "audit/record.h"
#include "base/log.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kBlock = 128 * 1024;

// At most `most` bytes that end at `end`.
std::optional<std::string> block_before(int fd, std::uint64_t end, std::size_t most = kBlock) {
  std::string block(std::min<std::uint64_t>(end, most), '\0');
  const std::uint64_t from = end - block.size();
  std::size_t have = 0;
  while (have < block.size()) {
    const ssize_t n = ::pread(fd, block.data() + have, block.size() - have, static_cast<off_t>(from + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    have += static_cast<std::size_t>(n);
  }
  return block;
}

// Where the last whole line ends; 0: there is none. Nothing: the file cannot be read.
std::optional<std::uint64_t> end_of_lines(int fd, std::uint64_t size) {
  for (std::uint64_t end = size; end > 0;) {
    const auto block = block_before(fd, end);
    if (!block) return std::nullopt;
    if (const auto at = block->rfind('\n'); at != std::string::npos) return end - block->size() + at + 1;
    end -= block->size();
  }
  return 0;
}

// Takes the lines of a file from the last to the first until one has the form of a record.
struct Backwards {
  Found& found;
  bool done = false;

  void take(std::string_view line) {
    const auto record = read_sealed(line);
    found.damaged = found.damaged || !record || !intact(*record);
    if (!record) return;
    found.last = {record->seq, *parse_hash(record->hash)};
    found.stopped = event_name(line) == "stop";
    done = true;
  }
};

// Looks at the last lines of a file whose last line is whole; false: none of them is a record.
bool find_record(int fd, std::uint64_t size, Found& found) {
  const auto block = block_before(fd, size, 2 * kLongestLine);
  if (!block) return false;
  Backwards backwards{found};
  std::string_view rest{*block};
  while (!rest.empty() && !backwards.done) {
    rest.remove_suffix(1);  // its '\n'
    const auto before = rest.rfind('\n');
    if (before == std::string_view::npos && block->size() < size) break;  // not all of that line is here
    backwards.take(rest.substr(before == std::string_view::npos ? 0 : before + 1));
    rest = rest.substr(0, before == std::string_view::npos ? 0 : before + 1);
  }
  return backwards.done;
}

// The same of any file, by reading all of it: for those that are compressed, and only after a crash at the wrong
// moment.
bool find_record(const AuditFile& file, Found& found) {
  Result<LineReader> reader = LineReader::open(file);
  if (!reader) return false;
  std::string last;
  while (const auto line = reader->next()) last = *line;
  if (last.empty()) return false;
  Backwards backwards{found};
  backwards.take(last);
  return backwards.done;
}

Result<Unit> make_directory(const std::string& directory) {
  std::error_code problem;
  const auto parent = std::filesystem::path{directory}.parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, problem);  // if that fails, the next line says why
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return io_error("cannot make the audit directory " + directory + " (choose a data_dir that can be written)", errno);
  }
  return Unit{};
}

}  // namespace

Result<Files> Files::open(const std::string& directory, std::uint64_t file_limit) {
  if (auto made = make_directory(directory); !made) return std::move(made).error();
  Files files;
  files.directory_ = directory;
  files.file_limit_ = file_limit;
  files.directory_fd_ = Descriptor{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!files.directory_fd_) return io_error("cannot open the audit directory " + directory, errno);
  if (::flock(files.directory_fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    return make_error(Code::io, "another gateway writes its audit records to " + directory +
                                    ": give each its own data_dir, or stop the other one");
  }
  if (auto found = files.find_end(); !found) return std::move(found).error();
  return files;
}

Result<Unit> Files::find_end() {
  Result<std::vector<AuditFile>> files = list_files(directory_);
  if (!files) return std::move(files).error();
  found_.any_file = !files->empty();
  std::uint64_t number = 1;
  if (!files->empty()) number = files->back().compressed ? files->back().number + 1 : files->back().number;
  if (auto opened = open_file(number); !opened) return opened;
  if (auto cut = cut_torn_line(); !cut) return cut;
  bool known = find_record(file_.get(), size_, found_);
  // The newest file may be empty or damaged: then the one before it says where to go on.
  for (auto file = files->rbegin(); !known && file != files->rend(); ++file) {
    if (file->number != number) known = find_record(*file, found_);
  }
  if (!known && found_.any_file) {
    log::warning("audit files hold no readable record, a new chain begins", {{"directory", directory_}});
  }
  look_at_head();
  return Unit{};
}

void Files::look_at_head() {
  using State = Found::Head;
  const Result<std::optional<Head>> head = read_head(directory_);
  if (!head) log::error("audit head cannot be used", {{"reason", head.error().message}});
  if (!head || !*head) {
    found_.head = head ? State::none : State::unreadable;
    return;
  }
  const Link& said = (*head)->last;
  found_.head_seq = said.seq;
  found_.head_hash = said.hash;
  found_.head_signature = (*head)->signature;
  found_.head = said.seq < found_.last.seq ? State::behind : said.seq > found_.last.seq ? State::ahead : State::fits;
  if (found_.head == State::fits && said.hash != found_.last.hash) found_.head = State::differs;
  if (found_.head != State::ahead && found_.head != State::differs) return;
  log::error("audit records are missing or were changed while no gateway ran: see `intragate audit verify`",
             {{"directory", directory_},
              {"head", static_cast<std::int64_t>(said.seq)},
              {"last_record", static_cast<std::int64_t>(found_.last.seq)}});
}

Result<Unit> Files::open_file(std::uint64_t number) {
  const std::string name = file_path(directory_, number, kPlain);
  Descriptor file{::open(name.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file) return io_error("cannot open the audit file " + name + " (is its directory writable?)", errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return io_error("cannot look at the audit file " + name, errno);
  if (!S_ISREG(facts.st_mode)) return make_error(Code::io, name + " is not a plain file: move it away");
  ::fsync(directory_fd_.get());  // so that a new file's name survives a power cut
  file_ = std::move(file);
  number_ = number;
  size_ = static_cast<std::uint64_t>(facts.st_size);
  return Unit{};
}

Result<Unit> Files::cut_torn_line() {
  const auto end = end_of_lines(file_.get(), size_);
  if (!end) return io_error("cannot read the audit file " + path(), errno);
  if (*end == size_) return Unit{};
  if (::ftruncate(file_.get(), static_cast<off_t>(*end)) != 0) {
    return io_error("cannot cut the torn last line of the audit file " + path(), errno);
  }
  log::warning("torn last audit record cut off after a crash",
               {{"file", path()}, {"bytes", static_cast<std::int64_t>(size_ - *end)}});
  found_.torn_bytes = size_ - *end;
  size_ = *end;
  return Unit{};
}

Result<Unit> Files::make_ready() {
  struct stat facts {};
  const bool deleted = ::fstat(file_.get(), &facts) == 0 && facts.st_nlink == 0;
  if (deleted) {
    log::error("audit file was deleted while in use, a new one begins", {{"file", path()}});
    lost_ = path().substr(directory_.size() + 1);
  }
  if (!deleted && size_ < file_limit_) return Unit{};
  if (auto synced = sync(); !synced) return synced;
  return open_file(number_ + 1);
}

Result<std::size_t> Files::append(std::string_view bytes) {
  ssize_t n = 0;
  do {
    n = ::write(file_.get(), bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return io_error("cannot write the audit file " + path(), n < 0 ? errno : ENOSPC);
  size_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

Result<Unit> Files::sync() {
  if (::fsync(file_.get()) != 0) return io_error("cannot sync the audit file " + path(), errno);
  return Unit{};
}

std::string Files::path() const {
  return file_path(directory_, number_, kPlain);
}

}  // namespace intragate::audit
