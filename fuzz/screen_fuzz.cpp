// Content rules over JSON: bodies of requests and answers, and events of a stream. Where nothing is found not a byte
// changes, what was JSON stays JSON, and no number of a phone gets through however events are cut. Input: a body, or
// events, one a line.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_scan.h"
#include "dialect/openai_screen.h"
#include "dialect/screen_body.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using dialect::BodyScreen;

content::Rule numbers() {
  content::Rule rule;
  rule.name = "numbers";
  rule.action = content::Action::mask;
  rule.kinds = content::Kinds{0b1};
  return rule;
}

content::Rule never() {
  content::Rule rule;
  rule.name = "never";
  rule.action = content::Action::mask;
  rule.words = *content::WordList::make({std::string{"\x01\x02\xFF", 3}});
  return rule;
}

std::string screened(std::string_view body, const content::Rule& rule, BodyScreen::Copies copies) {
  const content::Rules rules{&rule};
  content::Tally tally{1};
  BodyScreen screen{body, rules, tally, content::Filter::Mode::as_ruled, copies};
  while (!screen.step()) {
  }
  return screen.changed().value_or(std::string{body});
}

bool is_object(std::string_view text) {
  json::ObjectScan scan{text};
  while (scan.next()) {
  }
  return !scan.failed();
}

void screen_events(std::string_view lines) {
  static const content::Rule rule = numbers();
  const content::Rules rules{&rule};
  content::Tally tally{1};
  dialect::openai::EventScreen screen{llm::Api::chat, rules, tally, BodyScreen::Copies::removed};
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string event{lines.substr(0, end)};
    lines.remove_prefix(std::min(lines.size(), end + 1));
    const dialect::openai::EventScreen::Event got = screen.take(event);
    if (is_object(event)) fuzz::require(is_object(got.data), "an event stays one");
    fuzz::require(got.before.empty() || is_object(got.before), "and so is what comes before it");
  }
  const std::string_view rest = screen.rest();
  fuzz::require(rest.empty() || is_object(rest), "what is left is an event");
  fuzz::require(screen.held() == 0, "nothing is held afterwards");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const content::Rule phone = numbers();
  static const content::Rule none = never();
  const std::string body{reinterpret_cast<const char*>(data), size};
  fuzz::require(screened(body, none, BodyScreen::Copies::kept) == body, "nothing found, nothing changed");
  const std::string masked = screened(body, phone, BodyScreen::Copies::removed);
  if (is_object(body)) fuzz::require(is_object(masked), "JSON stays JSON");
  screen_events(body);
  return 0;
}
