// The configuration file from text to Config: the parts that are single keys, and the order in which the parts are
// read.
#include <filesystem>

#include "config/load.h"
#include "config/readers.h"
#include "config/references.h"
#include "config/yaml_tree.h"
#include "net/seal_key.h"

namespace intragate::config {
namespace {

void read_log(Section& top, Config& config) {
  std::optional<Section> log = top.section("log");
  if (!log) return;
  const std::string level = log->choice("level");
  if (level == "debug") config.log_level = LogLevel::debug;
  if (level == "warning") config.log_level = LogLevel::warning;
  if (level == "error") config.log_level = LogLevel::error;
}

void read_signing(Section& audit, AuditFiles& files) {
  std::optional<Section> sign = audit.section("sign");
  if (!sign) return;
  sign->secret("key", files.sign_key);
  sign->duration("every", files.sign_every);
  if (files.sign_key.empty()) return;
  const Result<net::SealKey> key = net::SealKey::parse(files.sign_key.reveal());
  if (!key) return sign->problem(sign->place("key"), "`audit.sign.key`: " + key.error().message);
  if (!key->can_sign()) sign->problem(sign->place("key"), "`audit.sign.key` is a public key: the private one signs");
}

void read_audit(Section& top, Config& config) {
  std::optional<Section> audit = top.section("audit");
  if (!audit) return;
  config.audit.content = content_of(audit->choice("content")).value_or(Content::none);
  audit->size("max_content", config.audit.max_content);
  if (audit->choice("on_full") == "drop") config.audit.on_full = OnFull::drop;
  AuditFiles& files = config.audit.files;
  audit->duration("flush", files.flush);
  audit->size("file_size", files.file_size);
  files.compress = audit->choice("compress") != "off";
  audit->duration("keep", files.keep);
  audit->size("max_total", files.max_total);
  read_signing(*audit, files);
}

void read_egress(Section& top, Config& config) {
  std::optional<Section> egress = top.section("egress");
  if (!egress) return;
  egress->ranges("allow", config.egress);
  if (config.egress.empty()) egress->warn(egress->place("allow"), "`egress.allow` is empty: no model can be reached");
}

void read_all(Section& top, Config& config) {
  read_listen(top, config);
  config.data_dir = resolve(top.reading().folder, config.data_dir);
  top.file_path("data_dir", config.data_dir);
  top.choice("store");  // `sqlite` is all there is so far
  top.duration("drain", config.drain);
  top.count("workers", config.workers);
  top.size("memory_limit", config.memory_limit);
  read_log(top, config);
  read_audit(top, config);
  read_egress(top, config);
  top.text("zone", config.zone);
  read_models(top, config);
  read_keys(top, config);
  read_limits(top, config);
  for (const Listen& listen : config.listen) {
    if (listen.max_body <= config.memory_limit) continue;
    top.warn(top.place("memory_limit"),
             "`memory_limit` is less than `listen[].max_body`: bodies that are larger than it "
             "are always refused");
    break;
  }
}

}  // namespace

std::optional<Content> content_of(std::string_view word) {
  if (word == "none") return Content::none;
  if (word == "digest") return Content::digest;
  if (word == "full") return Content::full;
  return std::nullopt;
}

Loaded load_yaml(std::string_view text, const std::string& file, const Environment& environment, const Hasher& hash) {
  Loaded loaded;
  loaded.config.source = file;
  Problems problems{file};
  const std::optional<Node> root = parse_yaml(text, problems);
  if (root) {
    Reading reading{problems, environment, std::filesystem::path{file}.parent_path().string(), hash};
    Section top{reading, *root, ""};
    read_all(top, loaded.config);
    loaded.config.files = std::move(reading.files);
  }
  loaded.config.warnings = problems.take_warnings();
  loaded.problems = problems.take_problems();
  return loaded;
}

Loaded load_file(const std::string& path, const Environment& environment, const Hasher& hash) {
  Result<std::string> text = read_file(path, kLargestFile);
  if (text) return load_yaml(*text, path, environment, hash);
  Loaded loaded;
  loaded.config.source = path;
  loaded.problems.push_back({.file = path, .message = text.error().message, .suggestion = {}});
  return loaded;
}

}  // namespace intragate::config
