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

namespace intragate::app {

class AdminFile {
 public:
  // Errors: io.
  static Result<AdminFile> write(const std::string& data_dir, const std::string& address);
  AdminFile(AdminFile&& other) noexcept : path_{std::move(other.path_)}, fd_{std::exchange(other.fd_, -1)} {}
  AdminFile& operator=(AdminFile&&) = delete;
  ~AdminFile();  // removes it

 private:
  AdminFile(std::string path, int fd) : path_{std::move(path)}, fd_{fd} {}
  std::string path_;
  int fd_;
};

// The address of the gateway that keeps its data there. Errors: io, with what to do: none runs, or it cannot be read.
[[nodiscard]] Result<SocketAddress> running_admin_address(const std::string& data_dir);

}  // namespace intragate::app
