#include "audit/syslog.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "audit/record.h"

namespace intragate::audit {
namespace {

constexpr std::string_view kPriority = "<110>1 ";
constexpr std::size_t kLongestKind = 32;
constexpr std::string_view kTime = "\"time\":\"";
constexpr std::size_t kLongestTime = 32;

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// Empty or unusable: the nil value.
std::string_view or_nil(std::string_view text, std::size_t most) {
  return text.empty() || text.size() > most || !is_printable(text) ? std::string_view{"-"} : text;
}

// It stands second, behind the number.
std::string_view time_of(std::string_view line) {
  const std::size_t at = line.find(kTime);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + kTime.size());
  return rest.substr(0, rest.find('"'));
}

}  // namespace

SyslogOrigin syslog_origin() {
  std::array<char, 256> host{};
  const bool known = ::gethostname(host.data(), host.size() - 1) == 0;
  return {std::string{or_nil(known ? host.data() : "", 255)}, std::to_string(::getpid())};
}

void append_syslog(std::string& out, std::string_view line, const SyslogOrigin& origin) {
  const std::string_view event = event_name(line);
  out += kPriority;
  out += or_nil(time_of(line), kLongestTime);
  out += ' ';
  out += origin.host;
  out += " intragate ";
  out += origin.process;
  out += ' ';
  out += event.empty() ? std::string_view{"call"} : or_nil(event, kLongestKind);
  out += " - ";
  out += line;
}

void append_counted_syslog(std::string& out, std::string_view line, const SyslogOrigin& origin) {
  constexpr std::size_t kRoom = 20;  // digits of any length
  const std::size_t begin = out.size();
  out.append(kRoom, ' ');
  append_syslog(out, line, origin);
  std::array<char, kRoom> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + kRoom, out.size() - begin - kRoom).ptr;
  const auto count = static_cast<std::size_t>(end - digits.data());
  out.replace(begin, kRoom - 1, digits.data(), count);  // the last space stays
}

}  // namespace intragate::audit
