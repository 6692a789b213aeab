// Compresses one finished audit file, a slice at a time: 00000001.jsonl becomes 00000001.jsonl.zst, which appears whole
// or not at all. Owner: Archive. Thread: the writer's.
#pragma once

#include <memory>
#include <string>

#include "audit/descriptor.h"
#include "audit/directory.h"
#include "base/result.h"

namespace intragate::audit {

class Packer {
 public:
  // Errors: io.
  static Result<Packer> open(const AuditFile& file);
  Packer(Packer&&) noexcept;
  Packer& operator=(Packer&&) noexcept;
  ~Packer();  // what is not finished leaves nothing behind

  enum class State : unsigned char { working, done };
  // Some 4 MiB. Done: the compressed file is in its place, the plain one gone. Errors: io; the plain one stays.
  Result<State> step();

 private:
  struct Stream;
  Packer(std::string path, Descriptor from, Descriptor to);
  Result<Unit> finish();

  std::string path_;
  std::string fresh_;  // where the compressed form grows; empty: done
  Descriptor from_;
  Descriptor to_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace intragate::audit
