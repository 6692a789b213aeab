#include "audit/directory.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/text.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kDigits = 8;

}  // namespace

Error io_error(std::string what, int cause) {
  return make_error(Code::io, std::move(what) + ": " + std::generic_category().message(cause));
}

std::string file_path(const std::string& directory, std::uint64_t number, std::string_view ending) {
  const std::string digits = std::to_string(number);
  const std::string zeros(digits.size() < kDigits ? kDigits - digits.size() : 0, '0');
  return directory + "/" + zeros + digits + std::string{ending};
}

Result<std::vector<AuditFile>> list_files(const std::string& directory) {
  std::vector<AuditFile> files;
  std::error_code problem;
  std::filesystem::directory_iterator entries{directory, problem};
  if (problem) return io_error("cannot read the audit directory " + directory, problem.value());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    const std::string_view digits{name.data(), std::min(name.find('.'), name.size())};
    const std::string_view ending = std::string_view{name}.substr(digits.size());
    if (digits.size() < kDigits || (ending != kPlain && ending != kCompressed)) continue;
    const auto number = text::parse_unsigned(digits);
    if (number) files.push_back({*number, ending == kCompressed, entry.path().string()});
  }
  std::sort(files.begin(), files.end(), [](const AuditFile& a, const AuditFile& b) {
    return a.number != b.number ? a.number < b.number : !a.compressed && b.compressed;
  });
  const auto same = [](const AuditFile& a, const AuditFile& b) { return a.number == b.number; };
  files.erase(std::unique(files.begin(), files.end(), same), files.end());
  return files;
}

}  // namespace intragate::audit
