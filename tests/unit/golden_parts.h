// Reads the files of tests/golden and tests/fronts: readable pairs of what goes in and what has to come out.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace intragate {

using Parts = std::map<std::string, std::string, std::less<>>;

// "=== name" begins a part, which reaches to the next one; its last line end is not part of it. What stands before the
// first is for people.
inline Parts read_parts(const std::filesystem::path& path) {
  Parts parts;
  std::ifstream file{path, std::ios::binary};
  std::string* part = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("=== ")) {
      part = &parts[line.substr(4)];
    } else if (part != nullptr) {
      *part += line + '\n';
    }
  }
  for (auto& [name, text] : parts) {
    if (!text.empty()) text.pop_back();
  }
  return parts;
}

// All of a folder below tests/, in order.
inline std::vector<std::filesystem::path> golden_files(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{INTRAGATE_SOURCE_DIR "/tests/" + folder}) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace intragate
