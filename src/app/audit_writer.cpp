#include "app/audit_writer.h"

#include "app/audit_place.h"

namespace intragate::app {

Result<std::unique_ptr<audit::Writer>> open_audit(const config::Config& config, std::size_t lanes,
                                                  std::shared_ptr<audit::Copies> copies) {
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
  options.copies = std::move(copies);
  return audit::Writer::open(std::move(options));
}

Result<std::shared_ptr<audit::Copies>> open_copies(const config::Config& config) {
  if (config.audit.copies.empty()) return std::shared_ptr<audit::Copies>{};
  return audit::Copies::open(config.audit.copies, config.egress);
}

}  // namespace intragate::app
