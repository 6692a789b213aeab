#include "audit/record.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/json_write.h"
#include "base/raw_writer.h"
#include "base/time_text.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kLongestText = 512;
// More than keys, numbers, time and address of a line take together.
constexpr std::size_t kFixedPart = 1024;

// Cuts between characters, never inside one.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > kLongestText - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

// Writes a line into memory that is large enough for it: see room_for. Every `key` is written as it stands: `,"name":`.
class Line : private RawWriter {
 public:
  using RawWriter::end;
  using RawWriter::raw;
  using RawWriter::RawWriter;

  void text(std::string_view key, std::string_view value) {
    raw(key);
    went_to(json::write_string(end(), shortened(value)));
  }
  // A name of ours, or a checked one: nothing in it has to be escaped or cut.
  void name(std::string_view key, std::string_view value) {
    raw(key);
    byte('"');
    raw(value);
    byte('"');
  }
  void time(std::string_view key, WallTime value) {
    raw(key);
    went_to(write_rfc3339(end(), value));
  }
  void count(std::string_view key, std::uint64_t value) {
    raw(key);
    number(value);
  }
  // Milliseconds with three decimals; null for what did not happen.
  void milliseconds(std::string_view key, Duration value) {
    raw(key);
    if (value < Duration::zero()) return raw("null");
    RawWriter::milliseconds(value);
  }
  // The unspecified address is no client's: it stands for "unknown". IPv4 is written here because IpAddress::text() may
  // allocate and most clients have it.
  void address(std::string_view key, const IpAddress& address) {
    raw(key);
    byte('"');
    if (address.is_v4()) {
      const auto& bytes = address.bytes();
      for (std::size_t i = 12; i < 16; ++i) {
        if (i > 12) byte('.');
        number(bytes[i]);
      }
    } else if (address != IpAddress{}) {
      raw(address.text());
    }
    byte('"');
  }
};

// At least what the line will take.
std::size_t room_for(const Record& r) {
  std::size_t texts = 0;
  for (const std::string_view text : {r.request_id, r.principal, r.key_id, r.end_user, r.certificate, r.api, r.model,
                                      r.endpoint, r.outcome, r.error, r.continued_from}) {
    texts += shortened(text).size();
  }
  return kFixedPart + json::kWidestByte * texts + r.content.size() + r.content_rules.size();
}

// All fields of a line but the number and the end. `event`: the name that makes it one.
void write_fields(Line& line, const Record& record, std::string_view event) {
  line.time(",\"time\":\"", record.time);
  line.raw("\"");
  if (!event.empty()) line.text(",\"event\":", event);
  line.text(",\"request_id\":", record.request_id);
  line.text(",\"principal\":", record.principal);
  line.name(",\"key_id\":", record.key_id);
  line.text(",\"end_user\":", record.end_user);
  line.address(",\"address\":", record.address);
  line.text(",\"certificate\":", record.certificate);
  line.name(",\"api\":", record.api);
  line.text(",\"model\":", record.model);
  line.text(",\"endpoint\":", record.endpoint);
  line.count(",\"attempts\":", record.attempts);
  line.count(",\"status\":", static_cast<std::uint64_t>(record.status < 0 ? 0 : record.status));
  line.name(",\"outcome\":", record.outcome);
  line.name(",\"error\":", record.error);
  line.count(",\"prompt_tokens\":", record.usage.prompt_tokens);
  line.count(",\"completion_tokens\":", record.usage.completion_tokens);
  line.name(",\"usage_source\":", llm::usage_source_name(record.usage.source));
  line.milliseconds(",\"queue_ms\":", record.queue);
  line.milliseconds(",\"first_byte_ms\":", record.first_byte);
  line.milliseconds(",\"total_ms\":", record.total);
  line.count(",\"bytes_in\":", record.bytes_in);
  line.count(",\"bytes_out\":", record.bytes_out);
  line.raw(",\"content\":");
  line.raw(record.content.empty() ? std::string_view{"null"} : record.content);
  if (!record.content_rules.empty()) {
    line.raw(",\"content_rules\":");
    line.raw(record.content_rules);
  }
  if (!record.continued_from.empty()) line.text(",\"continued_from\":", record.continued_from);
}

void append_line(std::string& out, const Record& record, std::string_view event) {
  const std::size_t room = room_for(record) + json::kWidestByte * event.size();
  std::array<char, 4096> here;  // of the stack: to make room in `out` would mean to clear what is too much of it
  if (room <= here.size()) {
    Line line{here.data()};
    write_fields(line, record, event);
    out.append(here.data(), static_cast<std::size_t>(line.end() - here.data()));
    return;
  }
  const std::size_t before = out.size();
  out.resize(before + room);
  Line line{out.data() + before};
  write_fields(line, record, event);
  out.resize(static_cast<std::size_t>(line.end() - out.data()));
}

}  // namespace

void append_seq(std::string& out, std::uint64_t seq) {
  out += "{\"seq\":";
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof(digits), seq).ptr);
}

void append_fields(std::string& out, const Record& record) {
  append_line(out, record, {});
}

void append_fields(std::string& out, WallTime time, const Event& event) {
  Record record;
  record.time = time;
  record.principal = event.actor;
  record.address = event.address;
  record.certificate = event.certificate;
  record.outcome = event.outcome;
  record.error = event.error;
  append_line(out, record, shortened(event.name));
  const bool fits = !event.detail.empty() && event.detail.size() <= kLongestDetail;
  out += ",\"detail\":";
  out += fits && event.detail.find('\n') == std::string_view::npos ? event.detail : "null";
}

std::string_view event_name(std::string_view line) {
  constexpr std::string_view kTime = ",\"time\":\"";
  constexpr std::string_view kEvent = "\",\"event\":\"";
  const std::size_t time = line.find(',');
  if (time == std::string_view::npos || !line.substr(time).starts_with(kTime)) return {};
  const std::string_view rest = line.substr(std::min(line.size(), time + kTime.size() + kRfc3339Size));
  if (!rest.starts_with(kEvent)) return {};
  const std::string_view name = rest.substr(kEvent.size());
  return name.substr(0, name.find('"'));
}

}  // namespace intragate::audit
