#include "app/pki_index.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "base/time_text.h"
#include "config/units.h"

namespace intragate::app {
namespace {

constexpr std::string_view kHead =
    "# intragate pki: what this authority has signed. Written by `intragate pki`; do not edit while it runs.\n"
    "# serial\tname\tpurpose\tkey\tissued\texpires\trevoked\treason\tstate\tnames\n";
constexpr std::string_view kListNumber = "# list of revoked certificates: number ";
constexpr std::size_t kFields = 10;
constexpr std::size_t kSerialDigits = 32;

template <class T, std::size_t N>
using Words = std::array<std::pair<T, std::string_view>, N>;
constexpr Words<net::Purpose, 3> kPurposes{
    {{net::Purpose::server, "server"}, {net::Purpose::client, "client"}, {net::Purpose::model, "model"}}};
constexpr Words<net::KeyType, 2> kKeys{{{net::KeyType::ec, "ec"}, {net::KeyType::rsa, "rsa"}}};
constexpr Words<net::RevocationReason, 4> kReasons{{{net::RevocationReason::unspecified, "unspecified"},
                                                    {net::RevocationReason::key_compromise, "key-compromise"},
                                                    {net::RevocationReason::superseded, "superseded"},
                                                    {net::RevocationReason::cessation, "cessation"}}};
constexpr Words<bool, 2> kStates{{{true, "current"}, {false, "replaced"}}};

template <class T, std::size_t N>
std::string_view word_of(const Words<T, N>& words, T value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return "-";
}

template <class T, std::size_t N>
bool read_word(const Words<T, N>& words, std::string_view text, T& to) {
  for (const auto& [known, word] : words) {
    if (word != text) continue;
    to = known;
    return true;
  }
  return false;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_serial(std::string_view text) {
  return text.size() == kSerialDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool read_moment(const std::string& text, WallTime& to) {
  const Result<WallTime> at = config::parse_utc(text);
  if (at) to = *at;
  return static_cast<bool>(at);
}

bool is_alternative_name(std::string_view name) {
  return name.starts_with("DNS:") || name.starts_with("IP:") || name.starts_with("URI:");
}

std::optional<PkiEntry> entry_of(std::string_view line) {
  const std::vector<std::string> fields = split(line, '\t');
  if (fields.size() != kFields) return std::nullopt;
  PkiEntry entry;
  entry.serial = fields[0];
  entry.name = fields[1];
  bool good = is_serial(entry.serial) && is_pki_name(entry.name) && read_word(kPurposes, fields[2], entry.purpose) &&
              read_word(kKeys, fields[3], entry.key) && read_moment(fields[4], entry.issued) &&
              read_moment(fields[5], entry.expires) && read_word(kStates, fields[8], entry.current);
  if (good && fields[6] != "-") {
    WallTime at;
    good = read_moment(fields[6], at) && read_word(kReasons, fields[7], entry.reason);
    entry.revoked = at;
  } else {
    good = good && fields[7] == "-";
  }
  if (fields[9] != "-") entry.names = split(fields[9], ',');
  good = good && std::all_of(entry.names.begin(), entry.names.end(), is_alternative_name);
  return good ? std::optional{std::move(entry)} : std::nullopt;
}

}  // namespace

std::string_view purpose_name(net::Purpose purpose) {
  return word_of(kPurposes, purpose);
}

std::string_view reason_name(net::RevocationReason reason) {
  return word_of(kReasons, reason);
}

std::string rfc3339_seconds(WallTime at) {
  std::string text;
  append_rfc3339(text, at);
  return text.substr(0, text.size() - std::string_view{".000Z"}.size()) + "Z";
}

bool is_pki_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() == '.' || name.front() == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return text::is_letter(c) || text::is_digit(c) || c == '.' || c == '-' || c == '_';
  });
}

PkiEntry* PkiIndex::current(std::string_view name) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const PkiEntry& entry) { return entry.current && entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

std::string index_text(const PkiIndex& index) {
  std::string text{kHead};
  text += std::string{kListNumber} + std::to_string(index.list_number) + "\n";
  for (const PkiEntry& entry : index.entries) {
    std::string names;
    for (const std::string& name : entry.names) names += (names.empty() ? "" : ",") + name;
    for (const std::string_view field : {std::string_view{entry.serial}, std::string_view{entry.name},
                                         purpose_name(entry.purpose), word_of(kKeys, entry.key)}) {
      text += std::string{field} + "\t";
    }
    text += rfc3339_seconds(entry.issued) + "\t" + rfc3339_seconds(entry.expires) + "\t";
    text += (entry.revoked ? rfc3339_seconds(*entry.revoked) : "-") + "\t";
    text += std::string{entry.revoked ? reason_name(entry.reason) : "-"} + "\t";
    text += std::string{word_of(kStates, entry.current)} + "\t" + (names.empty() ? "-" : names) + "\n";
  }
  return text;
}

Result<PkiIndex> parse_index(std::string_view text) {
  PkiIndex index;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const Error unreadable =
        make_error(Code::io, "line " + std::to_string(number) + " of the index cannot be read: mend it by hand");
    if (end == std::string_view::npos) return unreadable;  // cut off
    if (line.starts_with(kListNumber)) {
      const std::optional<std::uint64_t> last = text::parse_unsigned(line.substr(kListNumber.size()));
      if (!last) return unreadable;
      index.list_number = *last;
    }
    if (line.empty() || line.starts_with('#')) continue;
    std::optional<PkiEntry> entry = entry_of(line);
    if (!entry || (entry->current && index.current(entry->name) != nullptr)) return unreadable;
    index.entries.push_back(*std::move(entry));
  }
  return index;
}

}  // namespace intragate::app
