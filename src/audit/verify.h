// Whether the chain of an audit directory is whole: every record unchanged, in its place, none missing, none put in,
// and the end the one that the head names. Reads files in parallel, each in bounded memory, while a gateway may go on
// writing. Owner: the caller. Thread: any; starts threads of its own and joins them. Does not: change anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/chain.h"
#include "base/result.h"
#include "net/seal_key.h"

namespace intragate::audit {

struct Break {
  enum class Kind : std::uint8_t {
    changed,        // bytes that the hash does not fit
    missing,        // records left out: in the middle, or at the beginning without a record of their removal
    reordered,      // a record behind one with a higher number
    spliced,        // does not follow the one before it
    unreadable,     // a line that is no record, a file that cannot be read
    cut,            // the head knows of later records
    rewritten,      // the record that the head names has another hash
    no_head,        // so nobody can tell whether the end was cut off
    bad_signature,  // of a checkpoint or the head: forged, by another key, or not there
  };
  Kind kind = Kind::changed;
  std::string file{};      // its name; empty: the chain as a whole
  std::uint64_t line = 0;  // 0: the file as a whole
  std::uint64_t seq = 0;   // of the record there, or of the first that is missing
  std::string text{};      // one sentence
};
[[nodiscard]] std::string_view break_name(Break::Kind kind);

struct Verdict {
  std::uint64_t files = 0;
  std::uint64_t records = 0;
  std::uint64_t first_seq = 0;
  Link last;
  std::uint64_t checkpoints = 0;     // whose signatures were checked
  std::vector<Break> breaks;         // the first kMostBreaks
  std::uint64_t break_count = 0;     // all
  std::vector<std::string> remarks;  // what is worth knowing and no break
  [[nodiscard]] bool whole() const { return break_count == 0; }
};
inline constexpr std::size_t kMostBreaks = 100;

struct VerifyOptions {
  std::string directory{};
  const net::SealKey* key = nullptr;  // none: signatures are not checked
  std::uint64_t from = 0;             // breaks before this record are known and accepted
  unsigned threads = 1;
};
// Errors: io: no such directory, no files in it.
[[nodiscard]] Result<Verdict> verify(const VerifyOptions& options);

}  // namespace intragate::audit
