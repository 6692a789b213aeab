#include "app/configuration.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "net/digest.h"

namespace intragate::app {
namespace {

constexpr std::string_view kDefaultEnvFile = ".env";

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
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
  if (!text && !env_file.empty()) {
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

Result<std::string> keep_quick_start_key(config::Config& config) {
  const std::string path = (std::filesystem::path{config.data_dir} / "quickstart-key.sha256").string();
  config::Key key;
  key.name = "default";
  std::string plain;
  if (const std::optional<std::string> kept = read_file(path); kept && kept->size() >= 64) {
    key.hash = kept->substr(0, 64);
  } else {
    plain = net::random_secret("sk-");
    key.hash = net::sha256_hex(plain);
    Result<Unit> written = write_private_file(path, key.hash + "\n");
    if (!written) return std::move(written).error();
  }
  config.keys.push_back(std::move(key));
  return plain;
}

}  // namespace intragate::app
