#include "audit/record.h"

#include <charconv>

#include "base/json_write.h"
#include "base/time_text.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kLongestText = 512;

// Cuts between characters, never inside one.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > kLongestText - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out.append(digits, end);
}

// `key` is written as it stands: `,"name":`.
void append_text(std::string& out, std::string_view key, std::string_view value) {
  out += key;
  json::append_string(out, shortened(value));
}

void append_count(std::string& out, std::string_view key, std::uint64_t value) {
  out += key;
  append_number(out, value);
}

// Milliseconds with three decimals; null for what did not happen.
void append_ms(std::string& out, std::string_view key, Duration value) {
  out += key;
  if (value < Duration::zero()) {
    out += "null";
    return;
  }
  const auto us = static_cast<std::uint64_t>(value.count()) / 1000;
  append_number(out, us / 1000);
  const auto rest = static_cast<unsigned>(us % 1000);
  const char decimals[4] = {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                            static_cast<char>('0' + rest % 10)};
  out.append(decimals, sizeof(decimals));
}

// The unspecified address is no client's: it stands for "unknown". IPv4 is written here because IpAddress::text() may
// allocate and most clients have it.
void append_address(std::string& out, std::string_view key, const IpAddress& address) {
  out += key;
  out += '"';
  if (address.is_v4()) {
    const auto& bytes = address.bytes();
    for (std::size_t i = 12; i < 16; ++i) {
      if (i > 12) out += '.';
      append_number(out, bytes[i]);
    }
  } else if (address != IpAddress{}) {
    out += address.text();
  }
  out += '"';
}

}  // namespace

void append_seq(std::string& out, std::uint64_t seq) {
  out += "{\"seq\":";
  append_number(out, seq);
}

void append_fields(std::string& out, const Record& record) {
  out += ",\"time\":\"";
  append_rfc3339(out, record.time);
  append_text(out, "\",\"request_id\":", record.request_id);
  append_text(out, ",\"principal\":", record.principal);
  append_text(out, ",\"key_id\":", record.key_id);
  append_text(out, ",\"end_user\":", record.end_user);
  append_address(out, ",\"address\":", record.address);
  append_text(out, ",\"certificate\":", record.certificate);
  append_text(out, ",\"api\":", record.api);
  append_text(out, ",\"model\":", record.model);
  append_text(out, ",\"endpoint\":", record.endpoint);
  append_count(out, ",\"attempts\":", record.attempts);
  append_count(out, ",\"status\":", static_cast<std::uint64_t>(record.status < 0 ? 0 : record.status));
  append_text(out, ",\"outcome\":", record.outcome);
  append_text(out, ",\"error\":", record.error);
  append_count(out, ",\"prompt_tokens\":", record.usage.prompt_tokens);
  append_count(out, ",\"completion_tokens\":", record.usage.completion_tokens);
  append_text(out, ",\"usage_source\":", llm::usage_source_name(record.usage.source));
  append_ms(out, ",\"queue_ms\":", record.queue);
  append_ms(out, ",\"first_byte_ms\":", record.first_byte);
  append_ms(out, ",\"total_ms\":", record.total);
  append_count(out, ",\"bytes_in\":", record.bytes_in);
  append_count(out, ",\"bytes_out\":", record.bytes_out);
  out += ",\"content\":null,\"prev\":\"\",\"hash\":\"\"}\n";
}

void append_json(std::string& out, const Record& record, std::uint64_t seq) {
  append_seq(out, seq);
  append_fields(out, record);
}

}  // namespace intragate::audit
