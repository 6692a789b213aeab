#include "config/references.h"

#include <filesystem>
#include <fstream>

#include "base/text.h"

namespace intragate::config {
namespace {

Error bad(std::string message) {
  return make_error(Code::invalid_configuration, std::move(message));
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || text::is_digit(name.front())) return false;
  for (const char c : name) {
    if (!text::is_letter(c) && !text::is_digit(c) && c != '_') return false;
  }
  return true;
}

bool others_may(const std::string& path, std::filesystem::perms what) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  return std::filesystem::is_regular_file(status) && (status.permissions() & what) != std::filesystem::perms::none;
}

}  // namespace

Result<std::string> expand(std::string_view written, const Environment& environment) {
  std::string out;
  while (true) {
    const std::size_t open = written.find("${");
    out += written.substr(0, open);
    if (out.size() > kLongestValue) return bad("the value is longer than 64 KiB");
    if (open == std::string_view::npos) return out;
    const bool escaped = open > 0 && written[open - 1] == '$';  // $${: the sign itself
    written.remove_prefix(open + 2);
    if (escaped) {
      out += '{';
      continue;
    }
    const std::size_t close = written.find('}');
    const std::string_view name = written.substr(0, close);
    if (close == std::string_view::npos || !is_variable_name(name)) {
      return bad(
          "`${` must be followed by the name of an environment variable and `}` (write `$${` for the sign itself)");
    }
    const auto variable = environment.find(name);
    if (variable == environment.end()) return bad("the environment variable `" + std::string{name} + "` is not set");
    out += variable->second;
    written.remove_prefix(close + 1);
  }
}

std::string resolve(const std::string& folder, std::string_view path) {
  const bool absolute = path.starts_with('/');
  if (absolute || folder.empty()) return std::string{path};
  return (std::filesystem::path{folder} / path).lexically_normal().string();
}

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const auto refuse = [&](std::string_view what) {
    return make_error(Code::io, text::quoted(path) + ' ' + std::string{what});
  };
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return refuse("does not exist or its folder may not be read");
  if (!std::filesystem::is_regular_file(status)) return refuse("is not a file");
  std::ifstream file{path, std::ios::binary};
  if (!file) return refuse("cannot be opened; may this user read it?");
  std::string content(most + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return refuse("cannot be read");
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > most) return refuse("is larger than " + std::to_string(most / 1024) + " KiB");
  return content;
}

Result<std::string> read_private_file(const std::string& path, std::size_t most) {
  if (others_may(path, std::filesystem::perms::others_write))
    return make_error(Code::io, text::quoted(path) + " can be written by every user: `chmod o=` it");
  return read_file(path, most);
}

std::optional<std::string> exposure_remark(const std::string& path) {
  using std::filesystem::perms;
  if (!others_may(path, perms::others_read | perms::others_write)) return std::nullopt;
  return text::quoted(path) + " holds a secret and every user can read it: `chmod o=` it";
}

std::optional<std::string> secret_file(std::string_view value, const std::string& folder) {
  constexpr std::string_view kFile = "file:";
  if (!value.starts_with(kFile)) return std::nullopt;
  return resolve(folder, value.substr(kFile.size()));
}

Result<Secret> read_secret(std::string_view value, const std::string& folder) {
  const std::optional<std::string> file = secret_file(value, folder);
  if (!file) {
    if (value.empty()) return bad("the secret is empty");
    return Secret{std::string{value}};
  }
  Result<std::string> content = read_private_file(*file, kLongestValue);
  if (!content) return std::move(content).error();
  if (content->ends_with('\n')) content->pop_back();
  if (content->ends_with('\r')) content->pop_back();
  if (content->empty()) return bad("the secret's file is empty");
  return Secret{*std::move(content)};
}

}  // namespace intragate::config
