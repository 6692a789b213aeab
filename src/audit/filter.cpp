#include "audit/filter.h"

#include <algorithm>
#include <charconv>

#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::audit {
namespace {

constexpr std::string_view kTimeField = "time";

std::string csv_cell(std::string_view member) {
  std::string text = plain(member);
  const bool written_by_somebody = !member.empty() && member.front() == '"';
  if (written_by_somebody && !text.empty() &&
      std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos) {
    text.insert(text.begin(), '\'');
  }
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

// Of what is none: 0, which no record has.
std::uint64_t number(std::string_view member) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(member.data(), member.data() + member.size(), value);
  return error == std::errc{} && end == member.data() + member.size() ? value : 0;
}

}  // namespace

Matcher::Matcher(const Filter& filter)
    : what_{filter.what}, from_{filter.from}, to_{filter.to}, since_{filter.since}, until_{filter.until} {
  const auto want = [this](std::string_view field, const std::string& value) {
    if (value.empty()) return;
    std::string json;
    json::append_string(json, value);  // as the record was written: equal texts are equal bytes
    wanted_.push_back({field, std::move(json)});
  };
  want("request_id", filter.id);
  want("principal", filter.key);
  want("end_user", filter.user);
  want("model", filter.model);
  want("outcome", filter.outcome);
  want("event", filter.event);
}

bool Matcher::matches(std::string_view line) const {
  std::size_t met = 0;
  bool event = false;
  json::ObjectScan scan{line};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->key == "event") event = true;
    if (member->key == "seq") {
      const std::uint64_t seq = number(member->value);
      if (seq < from_ || seq > to_) return false;
    }
    if (member->key == kTimeField && member->value.size() > 2) {
      // Always the same form, so that later is greater.
      const std::string_view time = member->value.substr(1, member->value.size() - 2);
      if (time < since_ || (!until_.empty() && time >= until_)) return false;
    }
    for (const Wanted& wanted : wanted_) {
      if (wanted.field != member->key) continue;
      if (wanted.value != member->value) return false;
      ++met;
    }
  }
  if (scan.failed() || met != wanted_.size()) return false;
  return what_ == Filter::What::everything || event == (what_ == Filter::What::events);
}

const std::vector<std::string_view>& columns() {
  static const std::vector<std::string_view> names{
      "seq",          "time",          "event",          "request_id", "principal",     "key_id",
      "end_user",     "address",       "certificate",    "api",        "model",         "endpoint",
      "attempts",     "status",        "outcome",        "error",      "prompt_tokens", "completion_tokens",
      "usage_source", "queue_ms",      "first_byte_ms",  "total_ms",   "bytes_in",      "bytes_out",
      "content",      "content_rules", "continued_from", "detail",     "prev",          "hash"};
  return names;
}

std::vector<std::string_view> members_of(std::string_view line) {
  const auto& names = columns();
  std::vector<std::string_view> found(names.size());
  json::ObjectScan scan{line};
  std::size_t due = 0;  // fields come in the order of the columns
  while (const std::optional<json::Member> member = scan.next()) {
    const auto begin = names.begin() + static_cast<std::ptrdiff_t>(due);
    const auto at = std::find(begin, names.end(), member->key);
    if (at == names.end()) continue;
    found[static_cast<std::size_t>(at - names.begin())] = member->value;
    due = static_cast<std::size_t>(at - names.begin()) + 1;
  }
  return found;
}

std::string plain(std::string_view member) {
  if (member.empty() || member == "null") return {};
  if (member.front() != '"') return std::string{member};
  Result<std::string> text = json::unescape(member);
  return text ? *std::move(text) : std::string{};
}

std::string csv_head() {
  std::string row;
  for (const std::string_view name : columns()) row.append(row.empty() ? "" : ",").append(name);
  return row + "\r\n";
}

std::string csv_row(std::string_view line) {
  std::string row;
  bool first = true;
  for (const std::string_view member : members_of(line)) {
    if (!std::exchange(first, false)) row += ',';
    row += csv_cell(member);
  }
  return row + "\r\n";
}

}  // namespace intragate::audit
