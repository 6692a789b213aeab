// An audit record as a syslog message. Pure functions. Thread: any. Does not: send.
// Rules: RFC 5424; facility 13 (log audit), severity 6; time and kind come from the record, which is the message as it
// stands. RFC 6587 section 3.4.1 and RFC 5425 section 4.3 (octet counting) for streams.
#pragma once

#include <string>
#include <string_view>

namespace intragate::audit {

struct SyslogOrigin {
  std::string host;
  std::string process;
};
// Of this process.
[[nodiscard]] SyslogOrigin syslog_origin();

// `line`: a record without its line feed.
void append_syslog(std::string& out, std::string_view line, const SyslogOrigin& origin);
// With its length before it.
void append_counted_syslog(std::string& out, std::string_view line, const SyslogOrigin& origin);

}  // namespace intragate::audit
