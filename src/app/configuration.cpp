#include "app/configuration.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "net/digest.h"

namespace intragate::app {
namespace {

constexpr std::size_t kMostRead = std::size_t{2} << 20;  // more than any file here may have

// At most kMostRead bytes; a pipe will do. Nothing: errno says why.
std::optional<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece{};
  ssize_t got = 0;
  while (text.size() < kMostRead && (got = ::read(fd, piece.data(), piece.size())) > 0) {
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  const int reason = errno;
  ::close(fd);
  errno = reason;
  return got < 0 ? std::nullopt : std::optional{std::move(text)};
}

std::string key_file(const config::Config& config) {
  return (std::filesystem::path{config.data_dir} / "quickstart-key.sha256").string();
}

Error io_error(const std::string& doing, const std::string& path) {
  return make_error(Code::io, "cannot " + doing + " " + path + ": " + std::generic_category().message(errno));
}

Result<Unit> write_private_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("write", path);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written) return io_error("write", path);
  return Unit{};
}

}  // namespace

config::Loaded load_configuration(const std::string& config_file, const std::string& env_file) {
  const config::Environment environment = config::process_environment();
  const config::Hasher hash = [](std::string_view key) { return net::sha256_hex(key); };
  if (!config_file.empty()) return config::load_file(config_file, environment, hash);
  const std::string path{env_file.empty() ? kDefaultEnvFile : std::string_view{env_file}};
  const std::optional<std::string> text = read_file(path);
  if (!text && (!env_file.empty() || errno != ENOENT)) {
    config::Loaded failed;
    failed.problems.push_back({path, 0, 0, "cannot read the file: " + std::generic_category().message(errno), {}});
    return failed;
  }
  return config::load_environment(environment, text.value_or(""), path, hash);
}

Result<Unit> prepare_data_dir(const std::string& directory) {
  std::error_code failed;
  const bool existed = std::filesystem::exists(directory, failed);
  std::filesystem::create_directories(directory, failed);
  if (failed) {
    return make_error(Code::io, "cannot make the data directory " + directory + ": " + failed.message() +
                                    "; choose another data_dir or make it writable for this user");
  }
  if (!existed) ::chmod(directory.c_str(), 0700);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return make_error(Code::io, "the data directory " + directory + " is not writable for this user (" +
                                    std::generic_category().message(errno) + ")");
  }
  return Unit{};
}

Result<std::string> quick_start_key(config::Config& config) {
  const std::string path = key_file(config);
  const std::optional<std::string> kept = read_file(path);
  if (!kept && errno != ENOENT) return io_error("read", path);
  config::Key key;
  key.name = "default";
  key.trust_user = config::limits_users(config);
  std::string plain;
  if (kept && kept->size() >= 64) {
    key.hash = kept->substr(0, 64);
  } else {
    plain = net::random_secret("sk-");
    key.hash = net::sha256_hex(plain);
  }
  config.keys.push_back(std::move(key));
  return plain;
}

Result<Unit> keep_quick_start_key(const config::Config& config) {
  return write_private_file(key_file(config), config.keys.back().hash + "\n");
}

}  // namespace intragate::app
