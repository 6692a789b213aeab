// One file's part of a verification: everything that can be said of it without the others. Owner: verify, one per file.
// Thread: one. Does not: compare files with each other (verify.cpp).
#pragma once

#include <optional>
#include <vector>

#include "audit/chain.h"
#include "audit/directory.h"
#include "audit/head.h"
#include "audit/verify.h"

namespace intragate::audit {

// The last record before a place, as the next one may refer to it: where its bytes were changed, either hash will do,
// so that one change is one break.
struct Before {
  Link link;
  HashText computed;
};

class FileCheck {
 public:
  FileCheck(const AuditFile& file, const VerifyOptions& options, const std::optional<Head>& head)
      : file_{file}, options_{options}, head_{head} {}
  void run();

  struct First {
    std::uint64_t seq = 0;
    HashText prev;
  };
  std::optional<First> first;  // the first record's; none: there is none
  Before last{};
  std::uint64_t records = 0;
  std::uint64_t checkpoints = 0;
  std::vector<Break> breaks;
  std::uint64_t break_count = 0;
  std::optional<HashText> at_head;  // hash of the record that the head names, if it stands here
  std::vector<Link> removed;        // the last records of files whose removal is recorded here
  std::size_t torn = 0;             // bytes behind the last line

  void add(Break found);
  // How `next` follows `before`; nothing: as it should.
  [[nodiscard]] static std::optional<Break> follow(const Before& before, std::uint64_t seq, std::string_view prev);

 private:
  void take(std::string_view line);
  void take_event(std::string_view line, const SealedLine& record);
  void check_signature(std::string_view detail, const SealedLine& record);

  const AuditFile& file_;
  const VerifyOptions& options_;
  const std::optional<Head>& head_;
  std::uint64_t line_ = 0;
};

}  // namespace intragate::audit
