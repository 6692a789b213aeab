#include "app/pki_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace intragate::app {
namespace {

constexpr std::size_t kLargestFile = 64U << 20U;  // an index of some 300,000 certificates

Error io_error(const std::string& doing, const std::string& path) {
  return make_error(Code::io, "cannot " + doing + " " + path + ": " + std::generic_category().message(errno));
}

// A descriptor that is closed at the end of its scope.
class Open {
 public:
  explicit Open(int fd) : fd_{fd} {}
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  while (text.size() < kLargestFile) {
    const std::size_t have = text.size();
    text.resize(have + 16384);
    const ssize_t n = ::read(fd, text.data() + have, 16384);
    text.resize(have + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) return text;
    if (n < 0 && errno != EINTR) return io_error("read", path);
  }
  return make_error(Code::io, path + " is too large");
}

// So that the new name survives a power cut.
void sync_folder_of(const std::string& path) {
  const Open folder{::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder) ::fsync(folder.get());
}

Result<Unit> write_file(const std::string& path, std::string_view text, mode_t mode, PkiFolder::Replace how) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // of a command that was ended half-way: the lock is ours
  const Open file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)};
  if (!file) return io_error("write", fresh);
  if (::fchmod(file.get(), mode) != 0 || !write_all(file.get(), text) || ::fsync(file.get()) != 0) {
    const Error failure = io_error("write", fresh);
    ::unlink(fresh.c_str());
    return failure;
  }
  // link() refuses to take the place of anything; rename() does not.
  const bool named = how == PkiFolder::Replace::old ? std::rename(fresh.c_str(), path.c_str()) == 0
                                                    : ::link(fresh.c_str(), path.c_str()) == 0;
  const Error failure = io_error("write", path);
  if (!named || how == PkiFolder::Replace::never) ::unlink(fresh.c_str());
  if (!named) return failure;
  sync_folder_of(path);
  return Unit{};
}

Result<Unit> owner_only(int fd, const std::string& path) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return io_error("look at", path);
  if ((facts.st_mode & 0077U) == 0) return Unit{};
  return make_error(Code::io, path + " can be read by others than its owner: chmod 600 " + path);
}

}  // namespace

Result<PkiFolder> PkiFolder::locked(const std::string& path) {
  const int lock = ::open((path + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return io_error("lock", path);
  PkiFolder folder{path, lock};
  while (::flock(lock, LOCK_EX) != 0) {
    if (errno != EINTR) return io_error("lock", path);
  }
  return folder;
}

Result<PkiFolder> PkiFolder::create(const std::string& path) {
  for (const std::string& folder : {path, path + "/issued"}) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return io_error("make the folder", folder);
  }
  Result<PkiFolder> folder = locked(path);
  if (!folder) return folder;
  for (const std::string_view file : {"ca.key", "ca.pem", "index.txt"}) {
    struct stat facts {};
    if (::lstat(folder->path(file).c_str(), &facts) == 0) {
      return make_error(Code::io, folder->path(file) + " is there already: nothing was changed");
    }
  }
  return folder;
}

Result<PkiFolder> PkiFolder::open(const std::string& path) {
  struct stat facts {};
  if (::stat((path + "/ca.pem").c_str(), &facts) != 0 && errno == ENOENT) {
    return make_error(Code::io, "there is no authority in " + path +
                                    ": make one with `intragate pki init`, or name it "
                                    "with --dir");
  }
  return locked(path);
}

PkiFolder::~PkiFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<std::string> PkiFolder::read(std::string_view file) const {
  const std::string name = path(file);
  const Open from{::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!from) return io_error("read", name);
  if (file.ends_with(".key")) {
    if (Result<Unit> safe = owner_only(from.get(), name); !safe) return std::move(safe).error();
  }
  return read_all(from.get(), name);
}

Result<Unit> PkiFolder::write_public(std::string_view file, std::string_view text, Replace how) const {
  return write_file(path(file), text, 0644, how);
}

Result<Unit> PkiFolder::write_secret(std::string_view file, std::string_view text, Replace how) const {
  return write_file(path(file), text, 0600, how);
}

Result<PkiIndex> PkiFolder::read_index() const {
  const Result<std::string> text = read("index.txt");
  if (!text) return text.error();
  Result<PkiIndex> index = parse_index(*text);
  if (!index) index.error().message = path("index.txt") + ": " + index.error().message;
  return index;
}

Result<Unit> PkiFolder::write_index(const PkiIndex& index) const {
  return write_public("index.txt", index_text(index), Replace::old);
}

Result<std::string> read_passphrase(const std::string& file) {
  const Open from{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!from) return io_error("read", file);
  if (Result<Unit> safe = owner_only(from.get(), file); !safe) return std::move(safe).error();
  Result<std::string> text = read_all(from.get(), file);
  if (!text) return text;
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  if (text->empty()) return make_error(Code::io, file + " holds no passphrase");
  return text;
}

}  // namespace intragate::app
