// The admin API's requests about keys, read from foreign bytes: what is read is bounded, printable and what the body
// said; patterns of models match what their definition says.
#include <string_view>

#include "admin/keys.h"
#include "base/text.h"
#include "base/wildcard.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using Verb = admin::KeyRequest::Verb;

const WallTime kNow{std::chrono::seconds{1'767'225'600}};

void check_text(const std::string& text, std::size_t most) {
  fuzz::require(text.size() <= most, "a text is bounded");
  fuzz::require(!text::first_illegal_byte(text) && text.find('\n') == std::string::npos,
                "a text is one printable line");
}

void check(Verb verb, std::string_view body) {
  const Result<admin::KeyRequest> read = admin::read_key_body(verb, body, kNow);
  if (!read) {
    fuzz::require(!read.error().message.empty() && read.error().message.size() < 2048, "a refusal says why, in short");
    return;
  }
  fuzz::require(read->verb == verb, "the verb stays");
  fuzz::require(!read->name.empty(), "a key is named");
  check_text(read->name, 128);
  for (const auto* list : {&read->models, &read->apis, &read->allow}) {
    fuzz::require(list->size() <= 256, "a list is bounded");
    for (const std::string& entry : *list) check_text(entry, 256);
  }
  for (const std::string& pattern : read->models) {
    fuzz::require(matches_wildcard("*", pattern), "a star is anything");
    if (pattern.find('*') == std::string::npos) {
      fuzz::require(matches_wildcard(pattern, pattern), "a plain name is itself");
    }
  }
  fuzz::require(read->grace >= Duration::zero(), "a grace is no time ago");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  for (const Verb verb : {Verb::create, Verb::rotate, Verb::revoke, Verb::expire}) check(verb, text);
  (void)admin::read_key_query(text);
  return 0;
}
