#include "audit/line_reader.h"

#include <fcntl.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace intragate::audit {
namespace {

constexpr std::size_t kPiece = std::size_t{256} * 1024;
constexpr int kLargestWindow = 23;  // 8 MiB: what a foreign file may ask for

ssize_t read_some(int fd, char* to, std::size_t room) {
  ssize_t n = 0;
  do {
    n = ::read(fd, to, room);
  } while (n < 0 && errno == EINTR);
  return n;
}

}  // namespace

struct LineReader::Unpacker {
  struct Free {
    void operator()(ZSTD_DStream* unused) const { ZSTD_freeDStream(unused); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream{ZSTD_createDStream()};
  std::string packed = std::string(kPiece, '\0');
  ZSTD_inBuffer input{packed.data(), 0, 0};
  bool within_frame = false;
};

LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;
LineReader::~LineReader() = default;

LineReader::LineReader(Descriptor file, std::string path, std::unique_ptr<Unpacker> unpacker)
    : file_{std::move(file)}, path_{std::move(path)}, unpacker_{std::move(unpacker)}, buffer_(2 * kPiece, '\0') {}

Result<LineReader> LineReader::open(const AuditFile& which) {
  std::string path = which.path;
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file && errno == ENOENT && !which.compressed) {  // it was compressed since the directory was listed
    path.replace(path.size() - kPlain.size(), kPlain.size(), kCompressed);
    file = Descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  }
  if (!file) return io_error("cannot read the audit file " + which.path, errno);
  std::unique_ptr<Unpacker> unpacker;
  if (path.ends_with(kCompressed)) {
    unpacker = std::make_unique<Unpacker>();
    ZSTD_DCtx_setParameter(unpacker->stream.get(), ZSTD_d_windowLogMax, kLargestWindow);
  }
  return LineReader{std::move(file), path, std::move(unpacker)};
}

std::optional<std::string_view> LineReader::next() {
  for (;;) {
    const auto* const found = static_cast<const char*>(std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_));
    if (found != nullptr) {
      const std::string_view line{buffer_.data() + begin_, static_cast<std::size_t>(found - buffer_.data()) - begin_};
      begin_ = scanned_ = begin_ + line.size() + 1;
      ++line_;
      return line;
    }
    scanned_ = end_;
    if (failure_ || !fill()) return std::nullopt;
  }
}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ > kLongestLine) {
    fail("a line without end");
    return false;
  }
  if (buffer_.size() - end_ < kPiece) buffer_.resize(buffer_.size() * 2);
  const std::size_t room = buffer_.size() - end_;
  const std::size_t got = unpacker_ ? unpack(buffer_.data() + end_, room) : read_plain(buffer_.data() + end_, room);
  end_ += got;
  return got > 0;
}

std::size_t LineReader::read_plain(char* to, std::size_t room) {
  const ssize_t n = read_some(file_.get(), to, room);
  if (n < 0) fail(std::generic_category().message(errno));
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

std::size_t LineReader::unpack(char* to, std::size_t room) {
  Unpacker& u = *unpacker_;
  ZSTD_outBuffer output{to, room, 0};
  while (output.pos == 0) {
    if (u.input.pos == u.input.size) {
      const ssize_t n = read_some(file_.get(), u.packed.data(), u.packed.size());
      if (n < 0) fail(std::generic_category().message(errno));
      if (n == 0 && u.within_frame) fail("its compressed form ends too early");
      if (n <= 0) return 0;
      u.input = {u.packed.data(), static_cast<std::size_t>(n), 0};
    }
    const std::size_t state = ZSTD_decompressStream(u.stream.get(), &output, &u.input);
    if (ZSTD_isError(state) != 0) {
      fail(std::string{"its compressed form is damaged ("} + ZSTD_getErrorName(state) + ")");
      return 0;
    }
    u.within_frame = state != 0;
  }
  return output.pos;
}

void LineReader::fail(std::string why) {
  if (!failure_) failure_ = make_error(Code::io, "cannot read on in " + path_ + ": " + std::move(why));
}

}  // namespace intragate::audit
