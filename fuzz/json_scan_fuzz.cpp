// The body scanner against simdjson and against itself. Whatever simdjson takes for an object is scanned to the same
// keys, kinds and values; whatever is scanned without failing has balanced structure; all skippers agree with the plain
// rule; what the writer writes can be read back.
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_scan.h"
#include "base/json_skip.h"
#include "base/json_write.h"
#include "fuzz/json_reference.h"
#include "fuzz/require.h"

namespace {

namespace json = intragate::json;
using fuzz::require;

constexpr std::string_view kSpace = " \t\r\n";

void skippers_agree(std::string_view text) {
  constexpr int kMostStarts = 8;
  std::size_t from = 0;
  for (int i = 0; i < kMostStarts && from <= text.size(); ++i) {
    const std::size_t bracket = text.find_first_of("{[", from);
    for (const json::Skipper& skipper : json::skippers()) {
      require(skipper.string(text, from) == reference::string_end(text, from), "string end");
      if (bracket == std::string_view::npos) continue;
      require(skipper.container(text, bracket) == reference::container_end(text, bracket), "container end");
    }
    if (bracket == std::string_view::npos) return;
    from = bracket + 1;
  }
}

std::vector<json::Member> members_of(json::ObjectScan& scan, std::string_view text) {
  std::vector<json::Member> members;
  while (const auto member = scan.next()) {
    require(text.substr(member->offset, member->value.size()).data() == member->value.data(), "offset");
    members.push_back(*member);
  }
  return members;
}

json::Kind kind_of(simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::OBJECT: return json::Kind::object;
    case simdjson::dom::element_type::ARRAY: return json::Kind::array;
    case simdjson::dom::element_type::STRING: return json::Kind::string;
    case simdjson::dom::element_type::BOOL: return json::Kind::boolean;
    case simdjson::dom::element_type::NULL_VALUE: return json::Kind::null;
    default: return json::Kind::number;
  }
}

void same_member(const json::Member& member, const simdjson::dom::key_value_pair& field) {
  require(member.kind == kind_of(field.value), "kind");
  simdjson::dom::parser parser;
  simdjson::dom::element value;
  require(parser.parse(member.value.data(), member.value.size()).get(value) == simdjson::SUCCESS, "value extent");
  require(simdjson::to_string(value) == simdjson::to_string(field.value), "value");
  const auto key = json::unescape('"' + std::string{member.key} + '"');
  if (key) require(*key == field.key && json::key_is(member, field.key), "key");  // simdjson lets lone surrogates pass
}

// Every beginning of an object fails, and is known to be only a beginning.
void beginnings_are_cut(std::string_view text, std::size_t closing_brace) {
  constexpr std::size_t kLongest = 300;  // the work is quadratic
  if (text.size() > kLongest) return;
  for (std::size_t length = 0; length <= closing_brace; ++length) {
    json::ObjectScan scan{text.substr(0, length)};
    while (scan.next()) {
    }
    require(scan.failed() && scan.cut(), "a beginning is cut");
  }
}

void same_as_simdjson(std::string_view text, const std::vector<json::Member>& members, const json::ObjectScan& scan) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  simdjson::dom::object object;
  if (text.empty()) return;  // simdjson would copy from nowhere
  if (parser.parse(text.data(), text.size()).get(document) != simdjson::SUCCESS) return;
  if (document.get(object) != simdjson::SUCCESS) return;
  require(!scan.failed(), "scans what simdjson parses");
  std::size_t index = 0;
  for (const auto field : object) {
    require(index < members.size(), "no member is lost");
    same_member(members[index++], field);
  }
  require(index == members.size(), "no member is invented");
  beginnings_are_cut(text, scan.closing_brace());
}

void balanced(std::string_view text, std::size_t closing_brace) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  require(reference::container_end(text, begin) == closing_brace + 1, "balanced");
  require(text.find_first_not_of(kSpace, closing_brace + 1) == std::string_view::npos, "nothing behind the object");
}

void writer_can_be_read(std::string_view text) {
  std::string written;
  json::append_string(written, text);
  const auto read = json::unescape(written);
  require(static_cast<bool>(read), "written strings are legal");
  const bool legal = simdjson::validate_utf8(text.data(), text.size());
  require(!legal || *read == text, "written strings say what was meant");
  simdjson::dom::parser parser;
  std::string_view again;
  require(parser.parse(written).get(again) == simdjson::SUCCESS && again == *read, "simdjson reads the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An exact copy on the heap: a read beyond the text is a read beyond the allocation.
  const std::vector<char> bytes{data, data + size};
  const std::string_view text{bytes.data(), bytes.size()};
  skippers_agree(text);
  json::ObjectScan scan{text};
  const std::vector<json::Member> members = members_of(scan, text);
  require(scan.failed() != scan.problem().empty(), "a failure says why");
  if (!scan.failed()) balanced(text, scan.closing_brace());
  same_as_simdjson(text, members, scan);
  writer_can_be_read(text);
  return 0;
}
