// What tests of the loader share: loading from a text, and looking at what came out. Thread: the test's.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "config/load.h"

namespace intragate::config {

// The least that a file needs besides what a test is about.
inline constexpr std::string_view kOneModel = "models: [{name: m, endpoints: [{url: \"http://10.0.0.1\"}]}]\n";

// 64 hexadecimal digits that depend on the key; SHA-256 itself lives elsewhere.
inline std::string fake_hash(std::string_view key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  std::size_t state = std::hash<std::string_view>{}(key);
  for (int i = 0; i < 64; ++i) {
    out += kDigits[state % 16];
    state = state / 16 + state * 31;
  }
  return out;
}

inline Loaded load(std::string_view text, const Environment& environment = {}) {
  return load_yaml(text, "test.yaml", environment, fake_hash);
}

// Every problem on a line of its own, as people see them; empty when there is none.
inline std::string all_problems(const Loaded& loaded) {
  std::string out;
  for (const Problem& problem : loaded.problems) out += problem.text() + '\n';
  return out;
}

inline std::string all_warnings(const Loaded& loaded) {
  std::string out;
  for (const std::string& warning : loaded.config.warnings) out += warning + '\n';
  return out;
}

// A fresh folder for a test's files; the test removes it.
inline std::filesystem::path make_folder(const std::string& name) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("intragate-" + name + '-' + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  return folder;
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace intragate::config
