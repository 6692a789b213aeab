// Certificates come from strangers: what is read of one is bounded, and its subject is one line of text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "net/certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const intragate::Result<intragate::net::Certificate> read = intragate::net::read_certificate(bytes);
  if (!read) return 0;
  for (const char c : read->subject) fuzz::require(static_cast<unsigned char>(c) >= 0x20, "one line");
  fuzz::require(read->subject.size() <= 8 * size, "bounded");
  return 0;
}
