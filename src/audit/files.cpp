#include "audit/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "base/log.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kBlock = 128 * 1024;  // above the longest line a record can become
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kDigits = 8;

Error io_error(std::string what, int cause) {
  return make_error(Code::io, std::move(what) + ": " + std::generic_category().message(cause));
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

// Numbers of the audit files in `directory`, ascending.
std::vector<std::uint64_t> numbers_in(const std::string& directory) {
  std::vector<std::uint64_t> numbers;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator{directory, problem}) {
    const std::string name = entry.path().filename().string();
    if (name.size() < kDigits + kSuffix.size() || !name.ends_with(kSuffix)) continue;
    const std::string_view digits{name.data(), name.size() - kSuffix.size()};
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) continue;
    if (const auto number = leading_number(digits)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// Up to kBlock bytes that end at `end`.
std::optional<std::string> block_before(int fd, std::uint64_t end) {
  std::string block(std::min<std::uint64_t>(end, kBlock), '\0');
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

// The last line that has the form of a record, looking at the last block only.
std::optional<Link> last_record(int fd, std::uint64_t size) {
  const auto block = block_before(fd, size);
  if (!block) return std::nullopt;
  std::string_view rest{*block};
  while (!rest.empty()) {
    rest.remove_suffix(1);  // its '\n'
    const auto before = rest.rfind('\n');
    const auto record = read_sealed(rest.substr(before == std::string_view::npos ? 0 : before + 1));
    if (record) return Link{record->seq, *parse_hash(record->hash)};
    if (before == std::string_view::npos) break;
    rest = rest.substr(0, before + 1);
  }
  return std::nullopt;
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

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

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
  const std::vector<std::uint64_t> numbers = numbers_in(directory_);
  if (auto opened = open_file(numbers.empty() ? 1 : numbers.back()); !opened) return opened;
  if (auto cut = cut_torn_line(); !cut) return cut;
  std::optional<Link> last = last_record(file_.get(), size_);

  // The newest file may be empty or damaged: then the one before it says where to go on.
  for (auto number = numbers.rbegin(); !last && number != numbers.rend(); ++number) {
    const Descriptor older{::open(path(*number).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    struct stat facts {};
    if (!older || ::fstat(older.get(), &facts) != 0) continue;
    last = last_record(older.get(), static_cast<std::uint64_t>(facts.st_size));
  }
  if (!last && (numbers.size() > 1 || size_ > 0)) {
    log::warning("audit files hold no readable record, numbering begins at 1", {{"directory", directory_}});
  }
  last_ = last.value_or(Link{});
  return Unit{};
}

Result<Unit> Files::open_file(std::uint64_t number) {
  const std::string name = path(number);
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
  if (!end) return io_error("cannot read the audit file " + path(number_), errno);
  if (*end == size_) return Unit{};
  if (::ftruncate(file_.get(), static_cast<off_t>(*end)) != 0) {
    return io_error("cannot cut the torn last line of the audit file " + path(number_), errno);
  }
  log::warning("torn last audit record cut off after a crash",
               {{"file", path(number_)}, {"bytes", static_cast<std::int64_t>(size_ - *end)}});
  size_ = *end;
  return Unit{};
}

Result<Unit> Files::make_ready() {
  struct stat facts {};
  const bool deleted = ::fstat(file_.get(), &facts) == 0 && facts.st_nlink == 0;
  if (deleted) log::error("audit file was deleted while in use, a new one begins", {{"file", path(number_)}});
  if (!deleted && size_ < file_limit_) return Unit{};
  if (auto synced = sync(); !synced) return synced;
  return open_file(number_ + 1);
}

Result<std::size_t> Files::append(std::string_view bytes) {
  ssize_t n = 0;
  do {
    n = ::write(file_.get(), bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return io_error("cannot write the audit file " + path(number_), n < 0 ? errno : ENOSPC);
  size_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

Result<Unit> Files::sync() {
  if (::fsync(file_.get()) != 0) return io_error("cannot sync the audit file " + path(number_), errno);
  return Unit{};
}

std::string Files::path(std::uint64_t number) const {
  const std::string digits = std::to_string(number);
  const std::string zeros(digits.size() < kDigits ? kDigits - digits.size() : 0, '0');
  return directory_ + "/" + zeros + digits + std::string{kSuffix};
}

}  // namespace intragate::audit
