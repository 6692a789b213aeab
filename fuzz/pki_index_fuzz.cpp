// The index of an authority: whatever is read is written back the same, and holds nothing that could name a file
// elsewhere.
#include <cstdint>
#include <string_view>

#include "app/pki_index.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intragate;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  Result<app::PkiIndex> index = app::parse_index(text);
  if (!index) return 0;
  for (const app::PkiEntry& entry : index->entries) {
    fuzz::require(app::is_pki_name(entry.name), "a name names a file of this folder");
    fuzz::require(entry.serial.size() == 32, "a serial number");
    if (entry.current) fuzz::require(index->current(entry.name) == &entry, "one in use for each name");
  }
  const std::string again = app::index_text(*index);
  const Result<app::PkiIndex> second = app::parse_index(again);
  fuzz::require(static_cast<bool>(second), "what was read can be written");
  fuzz::require(app::index_text(*second) == again, "and reads the same");
  return 0;
}
