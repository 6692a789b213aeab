// What reads audit files takes any bytes: a line is refused or read within its bounds; what claims to be intact has the
// hash of its bytes; a filter, a CSV row and the head read the same line without harm.
#include <cstdint>
#include <string>
#include <string_view>

#include "audit/chain.h"
#include "audit/filter.h"
#include "audit/head.h"
#include "audit/record.h"
#include "fuzz/require.h"
#include "net/digest.h"

using namespace intragate;

namespace {

bool within(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void read_line(std::string_view line) {
  const auto sealed = audit::read_sealed(line);
  if (sealed) {
    for (const std::string_view part : {sealed->hashed, sealed->prev, sealed->hash}) {
      fuzz::require(within(part, line), "views into the line");
    }
    fuzz::require(sealed->prev.size() == 64 && sealed->hash.size() == 64, "hashes");
    fuzz::require(audit::intact(*sealed) == (net::sha256_hex(sealed->hashed) == sealed->hash), "intact");
  }
  const std::string_view name = audit::event_name(line);
  fuzz::require(name.empty() || within(name, line), "event");
  static const audit::Matcher matcher{
      {.since = "2026-01-01T00:00:00.000Z", .key = "dify", .model = "qwen", .outcome = "ok"}};
  (void)matcher.matches(line);
  const std::string row = audit::csv_row(line);
  fuzz::require(row.ends_with("\r\n") && row.size() <= 2 * line.size() * 4 + 256, "a row");
  (void)audit::parse_head(line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  read_line(bytes);
  // The same bytes in a well-formed seal: what is between is free.
  if (bytes.find('\n') == std::string_view::npos) {
    std::string line = "{\"seq\":7,";
    line += bytes;
    audit::Link last{.seq = 7};
    audit::seal(line, 0, last);
    line.pop_back();
    const auto sealed = audit::read_sealed(line);
    fuzz::require(sealed && audit::intact(*sealed) && sealed->seq == 7, "sealed");
    read_line(line);
  }
  return 0;
}
