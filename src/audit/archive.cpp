#include "audit/archive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "audit/chain.h"
#include "audit/line_reader.h"
#include "audit/packer.h"
#include "base/json_write.h"
#include "base/log.h"

namespace intragate::audit {
namespace {

constexpr Duration kLookAgain = std::chrono::minutes{1};

WallTime modified(const struct stat& facts) {
  return WallTime{std::chrono::seconds{facts.st_mtim.tv_sec} + std::chrono::nanoseconds{facts.st_mtim.tv_nsec}};
}

// The record that the first one of `file` follows; nothing: it cannot be told.
std::optional<Link> link_before(const AuditFile& file) {
  Result<LineReader> reader = LineReader::open(file);
  if (!reader) return std::nullopt;
  const auto line = reader->next();
  const auto record = line ? read_sealed(*line) : std::nullopt;
  if (!record || !intact(*record) || record->seq == 0) return std::nullopt;
  return Link{record->seq - 1, *parse_hash(record->prev)};
}

}  // namespace

Archive::Archive(std::string directory, Options options) : directory_{std::move(directory)}, options_{options} {}
Archive::Archive(Archive&&) noexcept = default;
Archive::~Archive() = default;

std::optional<std::string> Archive::work(std::uint64_t current, WallTime now) {
  remove_pending();
  if (packer_) {
    const Result<Packer::State> state = packer_->step();
    if (!state) log::error("audit file not compressed", {{"reason", state.error().message}});
    if (state && *state == Packer::State::working) return std::nullopt;
    packer_.reset();
    packing_failed_ = !state;
    looked_at_ = 0;  // the next one at once, or what is to be removed without it
  }
  if (current == looked_at_ && now < look_again_ && look_again_ - now <= kLookAgain) return std::nullopt;
  looked_at_ = current;
  look_again_ = now + kLookAgain;
  const Result<std::vector<AuditFile>> files = list_files(directory_);
  if (!files) return std::nullopt;  // whoever writes says so
  // Compressed first: what is too large may then be small enough.
  if (options_.compress && !std::exchange(packing_failed_, false)) begin_packing(*files, current);
  if (packer_) return std::nullopt;
  return choose_removal(*files, current, now);
}

void Archive::remove_pending() {
  if (pending_.empty()) return;
  if (::unlink(pending_.c_str()) != 0) {
    log::error("audit file not removed", {{"file", pending_}, {"reason", io_error("unlink", errno).message}});
  } else {
    log::info("audit file removed", {{"file", pending_}});
  }
  pending_.clear();
  looked_at_ = 0;  // there may be more
}

void Archive::begin_packing(const std::vector<AuditFile>& files, std::uint64_t current) {
  const auto next = std::find_if(files.begin(), files.end(),
                                 [&](const AuditFile& file) { return !file.compressed && file.number < current; });
  if (next == files.end()) return;
  Result<Packer> packer = Packer::open(*next);
  if (!packer) {
    log::error("audit file not compressed", {{"reason", packer.error().message}});
    return;
  }
  packer_ = std::make_unique<Packer>(*std::move(packer));
}

std::optional<std::string> Archive::choose_removal(const std::vector<AuditFile>& files, std::uint64_t current,
                                                   WallTime now) {
  if (files.size() < 2 || files.front().number >= current) return std::nullopt;
  std::uint64_t total = 0;
  struct stat oldest {};
  for (const AuditFile& file : files) {
    struct stat facts {};
    if (::stat(file.path.c_str(), &facts) != 0) continue;
    if (&file == &files.front()) oldest = facts;
    total += static_cast<std::uint64_t>(facts.st_size);
  }
  if (oldest.st_nlink == 0) return std::nullopt;
  const bool too_old = options_.keep > Duration::zero() && now - modified(oldest) > options_.keep;
  const bool too_large = options_.max_total > 0 && total > options_.max_total;
  if (!too_old && !too_large) return std::nullopt;
  const std::optional<Link> last = link_before(files[1]);
  if (!last) {
    log::error("audit file stays: the one behind it does not begin with a record", {{"file", files.front().path}});
    return std::nullopt;
  }
  pending_ = files.front().path;
  std::string detail;
  json::Writer{detail}
      .open_object()
      .text("file", files.front().name())
      .number("last_seq", static_cast<std::int64_t>(last->seq))
      .text("last_hash", view(last->hash))
      .number("bytes", static_cast<std::int64_t>(oldest.st_size))
      .text("reason", too_old ? "keep" : "max_total")
      .close_object();
  return detail;
}

}  // namespace intragate::audit
