#include "app/usage_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::app {
namespace {

Error cannot_save(const std::string& file) {
  return make_error(Code::io, "cannot write " + file + ": " + std::generic_category().message(errno));
}

std::string line_of(const qos::WindowCount& count) {
  std::string line;
  json::Writer json{line};
  json.open_object().text("per", qos::per_name(count.per)).text("key", count.key).text("name", count.name);
  json.number("day", std::int64_t{count.windows.day}).number("month", std::int64_t{count.windows.month});
  json.number("day_tokens", static_cast<std::int64_t>(count.day_tokens));
  json.number("month_tokens", static_cast<std::int64_t>(count.month_tokens));
  json.close_object();
  return line + '\n';
}

std::optional<qos::Per> per_of(std::string_view name) {
  for (std::size_t i = 0; i < qos::kPerCount; ++i) {
    const auto per = static_cast<qos::Per>(i);
    if (qos::per_name(per) == name) return per;
  }
  return std::nullopt;
}

std::optional<qos::WindowCount> count_of(std::string_view line) {
  qos::WindowCount count;
  std::optional<qos::Per> per;
  json::ObjectScan scan{line};
  while (const std::optional<json::Member> member = scan.next()) {
    std::string text;
    if (member->kind == json::Kind::string) {
      Result<std::string> unescaped = json::unescape(member->value);
      if (unescaped) text = *std::move(unescaped);
    }
    const std::uint64_t number = json::unsigned_number(member->value).value_or(0);
    if (json::key_is(*member, "per")) per = per_of(text);
    if (json::key_is(*member, "key")) count.key = text;
    if (json::key_is(*member, "name")) count.name = text;
    if (json::key_is(*member, "day")) count.windows.day = static_cast<std::int32_t>(number);
    if (json::key_is(*member, "month")) count.windows.month = static_cast<std::int32_t>(number);
    if (json::key_is(*member, "day_tokens")) count.day_tokens = number;
    if (json::key_is(*member, "month_tokens")) count.month_tokens = number;
  }
  if (scan.failed() || !per) return std::nullopt;
  count.per = *per;
  return count;
}

}  // namespace

Result<Unit> save_usage(const std::string& file, const std::vector<qos::WindowCount>& counts) {
  std::string text;
  for (const qos::WindowCount& count : counts) text += line_of(count);
  const std::string fresh = file + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return cannot_save(fresh);
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(fd, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    written += static_cast<std::size_t>(n);
  }
  const bool whole = written == text.size() && ::fsync(fd) == 0;
  const Error failure = cannot_save(fresh);
  ::close(fd);
  if (!whole) return failure;
  if (std::rename(fresh.c_str(), file.c_str()) != 0) return cannot_save(file);
  return Unit{};
}

std::vector<qos::WindowCount> load_usage(const std::string& file) {
  std::vector<qos::WindowCount> counts;
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    std::optional<qos::WindowCount> count = count_of(line);
    if (count) counts.push_back(*std::move(count));
  }
  return counts;
}

}  // namespace intragate::app
