#include "audit/head.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "audit/descriptor.h"
#include "audit/directory.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/time_text.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kMost = 4096;  // bytes of the file

}  // namespace

std::string head_json(const Head& head, WallTime now) {
  std::string time;
  append_rfc3339(time, now);
  std::string text;
  json::Writer{text}
      .open_object()
      .number("seq", static_cast<std::int64_t>(head.last.seq))
      .text("hash", view(head.last.hash))
      .text("time", time)
      .text("signature", head.signature)
      .close_object();
  return text + "\n";
}

std::optional<Head> parse_head(std::string_view text) {
  Head head;
  std::optional<std::uint64_t> seq;
  std::optional<HashText> hash;
  json::ObjectScan scan{text};
  while (const std::optional<json::Member> member = scan.next()) {
    const bool string = member->kind == json::Kind::string;
    if (member->key == "seq") seq = json::unsigned_number(member->value);
    if (member->key == "hash" && string) hash = parse_hash(member->value.substr(1, member->value.size() - 2));
    if (member->key == "signature" && string) head.signature = member->value.substr(1, member->value.size() - 2);
  }
  if (scan.failed() || !seq || !hash) return std::nullopt;
  head.last = {*seq, *hash};
  return head;
}

std::string head_path(const std::string& directory) {
  return directory + "/head.json";
}

Result<std::optional<Head>> read_head(const std::string& directory) {
  const std::string path = head_path(directory);
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file && errno == ENOENT) return std::optional<Head>{};
  if (!file) return io_error("cannot read " + path, errno);
  std::array<char, kMost> text{};
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  if (n < 0) return io_error("cannot read " + path, errno);
  std::optional<Head> head = parse_head({text.data(), static_cast<std::size_t>(n)});
  if (!head) return make_error(Code::io, path + " is not the head of a chain");
  return head;
}

Result<Unit> write_head(const std::string& directory, const Head& head, WallTime now) {
  const std::string path = head_path(directory);
  const std::string fresh = path + ".new";
  const std::string text = head_json(head, now);
  const Descriptor file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file) return io_error("cannot write " + fresh, errno);
  const ssize_t n = ::write(file.get(), text.data(), text.size());
  if (n != static_cast<ssize_t>(text.size())) return io_error("cannot write " + fresh, n < 0 ? errno : ENOSPC);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io_error("cannot rename " + fresh, errno);
  return Unit{};
}

}  // namespace intragate::audit
