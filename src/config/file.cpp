// The configuration file from text to Config: the parts that are single keys, and the order in which the parts are
// read.
#include <filesystem>

#include "config/load.h"
#include "config/readers.h"
#include "config/references.h"
#include "config/yaml_tree.h"

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
  read_egress(top, config);
  read_audit(top, config);
  top.text("zone", config.zone);
  read_models(top, config);
  read_keys(top, config);
  read_limits(top, config);
  read_content_rules(top, config);
  for (const Listen& listen : config.listen) {
    if (listen.max_body <= config.memory_limit) continue;
    top.warn(top.place("memory_limit"),
             "`memory_limit` is less than `listen[].max_body`: bodies that are larger than it "
             "are always refused");
    break;
  }
}

}  // namespace

Loaded load_yaml(std::string_view text, const std::string& file, const Environment& environment, const Hasher& hash) {
  Loaded loaded;
  loaded.config.source = file;
  Problems problems{file};
  const std::optional<Node> root = parse_yaml(text, problems);
  if (root) {
    Reading reading{problems, environment, std::filesystem::path{file}.parent_path().string(), hash};
    Section top{reading, *root, ""};
    read_all(top, loaded.config);
    if (reading.open_secret) top.check_readers(*reading.open_secret, "this secret", file);
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
