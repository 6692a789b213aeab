// The folder of an authority: ca.pem, ca.key, crl.pem, index.txt, and issued/NAME.{pem,key,p12}. Keys and the folder
// are their owner's only. Files are replaced as a whole, so that a crash leaves the old one or the new one. Owner: one
// `intragate pki` command, which holds the folder's lock. Thread: main. Does not: sign anything (net/authority.h).
#pragma once

#include <string>
#include <utility>

#include "app/pki_index.h"
#include "base/result.h"

namespace intragate::app {

class PkiFolder {
 public:
  enum class Replace : unsigned char { never, old };

  // Makes the folder where there is none. Errors: io: an authority is there already.
  static Result<PkiFolder> create(const std::string& path);
  // Errors: io: no authority, or a key that others can read; waits for another command to end.
  static Result<PkiFolder> open(const std::string& path);
  PkiFolder(PkiFolder&& other) noexcept : path_{std::move(other.path_)}, lock_{std::exchange(other.lock_, -1)} {}
  PkiFolder& operator=(PkiFolder&&) = delete;
  ~PkiFolder();  // lets go of the lock

  [[nodiscard]] std::string path(std::string_view file) const { return path_ + "/" + std::string{file}; }
  [[nodiscard]] Result<std::string> read(std::string_view file) const;
  // Errors: io; with Replace::never also a file that is there already.
  [[nodiscard]] Result<Unit> write_public(std::string_view file, std::string_view text, Replace how) const;  // 0644
  [[nodiscard]] Result<Unit> write_secret(std::string_view file, std::string_view text, Replace how) const;  // 0600

  [[nodiscard]] Result<PkiIndex> read_index() const;
  [[nodiscard]] Result<Unit> write_index(const PkiIndex& index) const;

 private:
  PkiFolder(std::string path, int lock) : path_{std::move(path)}, lock_{lock} {}
  static Result<PkiFolder> locked(const std::string& path);

  std::string path_;
  int lock_;
};

// The first line of a file that only its owner may read: a passphrase. Errors: io.
[[nodiscard]] Result<std::string> read_passphrase(const std::string& file);

}  // namespace intragate::app
