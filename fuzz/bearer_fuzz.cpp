// Keys in headers: what is found lies in the header, can be a key, and is found again; a refusal repeats nothing of it.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/bearer.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using fuzz::require;

bool lies_in(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check_key(std::string_view key, std::string_view header) {
  require(lies_in(key, header), "the key is a part of the header");
  require(!key.empty() && key.size() <= 512, "of a length that keys have");
  require(std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; }), "visible");
  const std::string again = "Bearer " + std::string{key};
  const Result<std::string_view> found = auth::bearer_token(again);
  require(found && *found == key, "and found again");
  const Result<std::string_view> bare = auth::bare_token(key);
  require(bare && *bare == key, "also alone");
}

// Its words are those for a header that holds no secret.
bool says_nothing_of_it(const Error& refusal) {
  const auto same = [&](const Result<std::string_view>& harmless) {
    return refusal.message == harmless.error().message && refusal.detail == harmless.error().detail;
  };
  return same(auth::bearer_token("")) || same(auth::bearer_token("Basic")) || same(auth::bearer_token("Bearer")) ||
         same(auth::bearer_token("Bearer a b")) || same(auth::bare_token(""));
}

void check(const Result<std::string_view>& found, std::string_view header) {
  if (found) {
    check_key(*found, header);
    return;
  }
  require(found.error().code == Code::invalid_key, "refused as no key");
  require(says_nothing_of_it(found.error()), "without repeating it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header{reinterpret_cast<const char*>(data), size};
  check(auth::bearer_token(header), header);
  check(auth::bare_token(header), header);
  return 0;
}
