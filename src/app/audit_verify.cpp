#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "app/audit.h"
#include "app/audit_place.h"
#include "app/configuration.h"
#include "audit/verify.h"
#include "base/json_write.h"
#include "config/references.h"

namespace intragate::app {
namespace {

std::string verdict_json(const audit::Verdict& verdict) {
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  std::string breaks = "[";
  for (const audit::Break& found : verdict.breaks) {
    if (breaks.size() > 1) breaks += ",";
    json::Writer{breaks}
        .open_object()
        .text("kind", audit::break_name(found.kind))
        .text("file", found.file)
        .number("line", count(found.line))
        .number("seq", count(found.seq))
        .text("text", found.text)
        .close_object();
  }
  std::string text;
  json::Writer writer{text};
  writer.open_object()
      .flag("whole", verdict.whole())
      .number("files", count(verdict.files))
      .number("records", count(verdict.records))
      .number("first_seq", count(verdict.first_seq))
      .number("last_seq", count(verdict.last.seq))
      .text("last_hash", audit::view(verdict.last.hash))
      .number("checkpoints", count(verdict.checkpoints))
      .number("break_count", count(verdict.break_count))
      .raw("breaks", breaks + "]")
      .open_array("remarks");
  for (const std::string& remark : verdict.remarks) writer.element(remark);
  writer.close_array().close_object();
  return text;
}

void print(const audit::Verdict& verdict) {
  for (const audit::Break& found : verdict.breaks) {
    if (!found.file.empty()) std::printf("%s:", found.file.c_str());
    if (found.line > 0) std::printf("%" PRIu64 ":", found.line);
    std::printf("%s%s: %s\n", found.file.empty() ? "" : " ", std::string{audit::break_name(found.kind)}.c_str(),
                found.text.c_str());
  }
  if (verdict.break_count > verdict.breaks.size()) {
    std::printf("… and %" PRIu64 " more\n", verdict.break_count - verdict.breaks.size());
  }
  for (const std::string& remark : verdict.remarks) std::printf("%s\n", remark.c_str());
  std::printf("%" PRIu64 " records (%" PRIu64 " to %" PRIu64 ") in %" PRIu64 " files", verdict.records,
              verdict.first_seq, verdict.last.seq, verdict.files);
  if (verdict.checkpoints > 0) std::printf(", %" PRIu64 " signed checkpoints", verdict.checkpoints);
  if (verdict.whole()) {
    std::printf(": the chain is whole\n");
  } else {
    std::printf(": the chain is broken in %" PRIu64 " places\n", verdict.break_count);
  }
}

Result<net::SealKey> checking_key(const std::string& file, const config::Secret& configured) {
  if (file.empty()) return net::SealKey::parse(configured.reveal());
  Result<config::Secret> read = config::read_secret("file:" + file, {});
  if (!read) return std::move(read).error();
  return net::SealKey::parse(read->reveal());
}

}  // namespace

std::string audit_directory(const config::Config& config) {
  return (std::filesystem::path{config.data_dir} / "audit").string();
}

Result<AuditSource> find_audit(const AuditPlace& place) {
  if (!place.directory.empty()) return AuditSource{place.directory, {}};
  config::Loaded loaded = load_configuration(place.config_file, place.env_file);
  if (!loaded.ok()) {
    return make_error(Code::invalid_configuration,
                      loaded.problems.front().text() + "\nintragate: --dir DIRECTORY needs no configuration");
  }
  return AuditSource{audit_directory(loaded.config), std::move(loaded.config.audit.files.sign_key)};
}

int audit_says_no(const Error& error) {
  std::fprintf(stderr, "intragate: %s\n", error.message.c_str());
  return 1;
}

int audit_verify(const AuditVerifyOptions& options, Output output) {
  Result<AuditSource> source = find_audit(options.place);
  if (!source) return audit_says_no(source.error());
  audit::VerifyOptions how{.directory = source->directory, .from = options.from};
  how.threads = std::max(1U, std::thread::hardware_concurrency());
  std::optional<net::SealKey> key;
  if (!options.key_file.empty() || !source->key.empty()) {
    Result<net::SealKey> parsed = checking_key(options.key_file, source->key);
    if (!parsed) return audit_says_no(parsed.error());
    key = *std::move(parsed);
    how.key = &*key;
  }
  const Result<audit::Verdict> verdict = audit::verify(how);
  if (!verdict) return audit_says_no(verdict.error());
  if (output == Output::json) {
    std::printf("%s\n", verdict_json(*verdict).c_str());
  } else {
    print(*verdict);
  }
  return verdict->whole() ? 0 : 1;
}

}  // namespace intragate::app
