#include "app/audit_writer.h"

#include "app/audit_place.h"

namespace intragate::app {

Result<std::unique_ptr<audit::Writer>> open_audit(const config::Config& config, std::size_t lanes) {
  const config::AuditFiles& files = config.audit.files;
  audit::Writer::Options options;
  options.directory = audit_directory(config);
  options.lanes = lanes;
  options.file_limit = files.file_size;
  options.flush = files.flush;
  options.archive = {.compress = files.compress, .keep = files.keep, .max_total = files.max_total};
  options.sign_every = files.sign_every;
  if (!files.sign_key.empty()) {
    Result<net::SealKey> key = net::SealKey::parse(files.sign_key.reveal());
    if (!key) return std::move(key).error();
    options.key = std::make_shared<const net::SealKey>(*std::move(key));
  }
  return audit::Writer::open(std::move(options));
}

}  // namespace intragate::app
