#include "app/admin_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "config/references.h"

namespace intragate::app {
namespace {

std::string path_in(const std::string& data_dir) {
  return (std::filesystem::path{data_dir} / "admin.address").string();
}

std::string secret_path_in(const std::string& data_dir) {
  return (std::filesystem::path{data_dir} / "admin.secret").string();
}

Error io_error(const std::string& doing, const std::string& path) {
  return make_error(Code::io, "cannot " + doing + " " + path + ": " + std::generic_category().message(errno));
}

// Of the open file rather than the process, so that closing another descriptor cannot lose it.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// A file of its own that nobody else could have opened before it is private.
Result<Unit> write_secret(const std::string& path, const config::Secret& secret) {
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error("write", path);
  const std::string line = secret.reveal() + "\n";
  const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(fd);
  if (!written) return io_error("write", path);
  return Unit{};
}

}  // namespace

Result<AdminFile> AdminFile::write(const std::string& data_dir, const std::string& address,
                                   const config::Secret& secret) {
  const std::string path = path_in(data_dir);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error("write", path);
  AdminFile file{path, secret_path_in(data_dir), fd};
  struct flock lock = whole_file();
  const std::string line = address + "\n";
  const bool written = ::fcntl(fd, F_OFD_SETLK, &lock) == 0 && ::fchmod(fd, 0600) == 0 && ::ftruncate(fd, 0) == 0 &&
                       ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (!written) return io_error("write", path);
  Result<Unit> secret_written = write_secret(file.secret_path_, secret);
  if (!secret_written) return std::move(secret_written).error();
  return file;
}

AdminFile::~AdminFile() {
  if (fd_ < 0) return;
  ::unlink(secret_path_.c_str());
  ::unlink(path_.c_str());
  ::close(fd_);
}

Result<SocketAddress> running_admin_address(const std::string& data_dir) {
  const std::string path = path_in(data_dir);
  const Error none = make_error(Code::io, "no gateway runs with its data in " + data_dir +
                                              "; start it, or name another one's admin address with --admin");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return none;
  if (fd < 0) {
    Error closed = io_error("read", path);
    closed.message += "; run this as the gateway's user, or name its admin address with --admin";
    return closed;
  }
  struct flock lock = whole_file();
  std::array<char, 64> text{};
  const bool running = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  const ssize_t size = ::read(fd, text.data(), text.size());
  ::close(fd);
  if (!running || size <= 0) return none;
  const std::string_view line{text.data(), static_cast<std::size_t>(size)};
  Result<SocketAddress> address = SocketAddress::parse(line.substr(0, line.find('\n')));
  if (!address) return make_error(Code::io, path + " holds no address");
  return address;
}

Result<config::Secret> running_admin_secret(const std::string& data_dir) {
  return config::read_secret("file:" + secret_path_in(data_dir), {});
}

bool gateway_runs(const std::string& data_dir) {
  if (running_admin_address(data_dir)) return true;
  return ::access(path_in(data_dir).c_str(), F_OK) == 0 && ::access(path_in(data_dir).c_str(), R_OK) != 0;
}

}  // namespace intragate::app
