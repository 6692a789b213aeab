#include "audit/packer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <zstd.h>

#include <array>
#include <cerrno>

namespace intragate::audit {
namespace {

constexpr std::size_t kPiece = std::size_t{256} * 1024;
constexpr int kPieces = 16;  // in a step
constexpr int kLevel = 3;

}  // namespace

struct Packer::Stream {
  struct Free {
    void operator()(ZSTD_CCtx* unused) const { ZSTD_freeCCtx(unused); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context{ZSTD_createCCtx()};
  std::string input = std::string(kPiece, '\0');
  std::string output = std::string(ZSTD_CStreamOutSize(), '\0');
};

Packer::Packer(std::string path, Descriptor from, Descriptor to)
    : path_{std::move(path)},
      fresh_{path_ + ".zst.new"},
      from_{std::move(from)},
      to_{std::move(to)},
      stream_{std::make_unique<Stream>()} {
  ZSTD_CCtx_setParameter(stream_->context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(stream_->context.get(), ZSTD_c_checksumFlag, 1);
}

Packer::Packer(Packer&& other) noexcept
    : path_{std::move(other.path_)},
      fresh_{std::exchange(other.fresh_, {})},
      from_{std::move(other.from_)},
      to_{std::move(other.to_)},
      stream_{std::move(other.stream_)} {}

Packer& Packer::operator=(Packer&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fresh_, other.fresh_);
  std::swap(from_, other.from_);
  std::swap(to_, other.to_);
  std::swap(stream_, other.stream_);
  return *this;
}

Packer::~Packer() {
  if (!fresh_.empty()) ::unlink(fresh_.c_str());
}

Result<Packer> Packer::open(const AuditFile& file) {
  Descriptor from{::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!from) return io_error("cannot read " + file.path, errno);
  const std::string fresh = file.path + ".zst.new";
  Descriptor to{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!to) return io_error("cannot write " + fresh, errno);
  return Packer{file.path, std::move(from), std::move(to)};
}

Result<Packer::State> Packer::step() {
  Stream& s = *stream_;
  for (int piece = 0; piece < kPieces; ++piece) {
    const ssize_t got = ::read(from_.get(), s.input.data(), s.input.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("cannot read " + path_, errno);
    ZSTD_inBuffer input{s.input.data(), static_cast<std::size_t>(got), 0};
    const ZSTD_EndDirective mode = got == 0 ? ZSTD_e_end : ZSTD_e_continue;
    for (bool more = true; more;) {
      ZSTD_outBuffer output{s.output.data(), s.output.size(), 0};
      const std::size_t left = ZSTD_compressStream2(s.context.get(), &output, &input, mode);
      if (ZSTD_isError(left) != 0)
        return make_error(Code::io, "cannot compress " + path_ + ": " + ZSTD_getErrorName(left));
      const ssize_t n = output.pos == 0 ? 0 : ::write(to_.get(), s.output.data(), output.pos);
      if (n != static_cast<ssize_t>(output.pos)) return io_error("cannot write " + fresh_, n < 0 ? errno : ENOSPC);
      more = mode == ZSTD_e_end ? left > 0 : input.pos < input.size;
    }
    if (got > 0) continue;
    if (auto finished = finish(); !finished) return std::move(finished).error();
    return State::done;
  }
  return State::working;
}

// Its time stays that of the last record: retention goes by it.
Result<Unit> Packer::finish() {
  struct stat facts {};
  if (::fstat(from_.get(), &facts) != 0) return io_error("cannot look at " + path_, errno);
  const std::array<timespec, 2> times{facts.st_atim, facts.st_mtim};
  ::futimens(to_.get(), times.data());
  if (::fsync(to_.get()) != 0) return io_error("cannot sync " + fresh_, errno);
  if (::rename(fresh_.c_str(), (path_ + ".zst").c_str()) != 0) return io_error("cannot rename " + fresh_, errno);
  fresh_.clear();
  if (::unlink(path_.c_str()) != 0) return io_error("cannot remove " + path_, errno);
  return Unit{};
}

}  // namespace intragate::audit
