// Where the running gateway's admin address stands for the commands that talk to it: data_dir/admin.address, readable
// by its user only. The port may have been chosen at the start, so that the configuration does not tell. The file is
// locked as long as the gateway runs: what a crash left behind is known for what it is, and no token is sent to a
// stranger. Owner: the serve command. Thread: the main one. Does not: say who may use the address (the admin token
// does).
#pragma once

#include <string>
#include <utility>

#include "base/address.h"
#include "base/result.h"
#include "config/config.h"

namespace intragate::app {

class AdminFile {
 public:
  // `secret`: what proves to the admin address that somebody can read the gateway's files; it stands beside the address
  // in data_dir/admin.secret. Errors: io.
  static Result<AdminFile> write(const std::string& data_dir, const std::string& address, const config::Secret& secret);
  AdminFile(AdminFile&& other) noexcept
      : path_{std::move(other.path_)}, secret_path_{std::move(other.secret_path_)}, fd_{std::exchange(other.fd_, -1)} {}
  AdminFile& operator=(AdminFile&&) = delete;
  ~AdminFile();  // removes it

 private:
  AdminFile(std::string path, std::string secret_path, int fd)
      : path_{std::move(path)}, secret_path_{std::move(secret_path)}, fd_{fd} {}
  std::string path_;
  std::string secret_path_;
  int fd_;
};

// The address of the gateway that keeps its data there. Errors: io, with what to do: none runs, or it cannot be read.
[[nodiscard]] Result<SocketAddress> running_admin_address(const std::string& data_dir);

// Its secret of this start. Errors: io.
[[nodiscard]] Result<config::Secret> running_admin_secret(const std::string& data_dir);
// Whether one runs there, or may: its file is there and cannot be looked into.
[[nodiscard]] bool gateway_runs(const std::string& data_dir);

}  // namespace intragate::app
