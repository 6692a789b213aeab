#include "app/pki.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "app/pki_folder.h"
#include "base/json_write.h"
#include "config/load.h"
#include "net/digest.h"

namespace intragate::app {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr Duration kAuthorityLives = days{3650};
constexpr Duration kCertificateLives = days{365};
// Servers refuse everybody once their list has run out, so it must outlast the pause between two visits of whoever
// keeps the authority.
constexpr Duration kListLives = days{90};
constexpr Duration kSoon = days{30};
constexpr Duration kClockSkew = 10min;  // of the machines that will check a new certificate
constexpr auto kNever = PkiFolder::Replace::never;
constexpr auto kOld = PkiFolder::Replace::old;

int say_no(const Error& error) {
  const std::string cause = error.detail.empty() ? "" : " (" + error.detail + ")";
  std::fprintf(stderr, "intragate: %s%s\n", error.message.c_str(), cause.c_str());
  return 1;
}

WallTime now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

net::Validity valid_for(Duration time) {
  return {.from = now() - kClockSkew, .until = now() + time};
}

Result<Duration> lifetime(const std::string& text, Duration otherwise) {
  if (text.empty()) return otherwise;
  Result<Duration> time = config::parse_duration(text);
  if (!time) {
    Error& wrong = time.error();
    wrong.message = "--valid: " + wrong.message + (wrong.detail.empty() ? "" : "; " + std::exchange(wrong.detail, ""));
    return time;
  }
  if (*time < 1min) return make_error(Code::invalid_request, "--valid: at least a minute");
  return time;
}

Result<std::string> passphrase_of(const PkiOptions& options) {
  if (!options.passphrase_file.empty()) return read_passphrase(options.passphrase_file);
  const config::Environment environment = config::process_environment();
  const auto inherited = environment.find("INTRAGATE_PKI_PASSPHRASE");
  return inherited == environment.end() ? std::string{} : inherited->second;
}

// The folder with its lock, what it has signed, and the key to sign more.
struct Opened {
  PkiFolder folder;
  PkiIndex index;
  std::string certificate;
  net::Authority authority;
};

Result<Opened> open_authority(const PkiOptions& options) {
  Result<std::string> passphrase = passphrase_of(options);
  if (!passphrase) return std::move(passphrase).error();
  Result<PkiFolder> folder = PkiFolder::open(options.dir);
  if (!folder) return std::move(folder).error();
  Result<PkiIndex> index = folder->read_index();
  if (!index) return std::move(index).error();
  Result<std::string> certificate = folder->read("ca.pem");
  if (!certificate) return std::move(certificate).error();
  const Result<std::string> key = folder->read("ca.key");
  if (!key) return key.error();
  Result<net::Authority> authority = net::Authority::open(*certificate, *key, *passphrase);
  if (!authority) return std::move(authority).error();
  return Opened{*std::move(folder), *std::move(index), *std::move(certificate), *std::move(authority)};
}

// Signs a new list of what is revoked. Its number is kept first: no two lists ever have the same.
Result<WallTime> write_list(const PkiFolder& folder, PkiIndex& index, const net::Authority& authority, Duration lives) {
  ++index.list_number;
  if (Result<Unit> kept = folder.write_index(index); !kept) return std::move(kept).error();
  std::vector<net::Revocation> revoked;
  for (const PkiEntry& entry : index.entries) {
    if (entry.revoked) revoked.push_back({.serial = entry.serial, .at = *entry.revoked, .reason = entry.reason});
  }
  const net::Validity validity{.from = now() - kClockSkew, .until = now() + lives};
  const Result<std::string> list = authority.revocation_list(revoked, index.list_number, validity);
  if (!list) return list.error();
  if (Result<Unit> kept = folder.write_public("crl.pem", *list, kOld); !kept) return std::move(kept).error();
  return validity.until;
}

Result<net::CertificateRequest> request_of(const PkiEntry& entry) {
  net::CertificateRequest request;
  request.name = entry.name;
  request.purpose = entry.purpose;
  request.key = entry.key;
  request.validity = {.from = entry.issued - kClockSkew, .until = entry.expires};
  for (const std::string& name : entry.names) {
    const std::string value = name.substr(name.find(':') + 1);
    if (name.starts_with("DNS:")) request.dns.push_back(value);
    if (name.starts_with("URI:")) request.uris.push_back(value);
    if (!name.starts_with("IP:")) continue;
    Result<IpAddress> address = IpAddress::parse(value);
    if (!address) return std::move(address).error();
    request.addresses.push_back(*address);
  }
  return request;
}

// What stands under issued/ after a certificate was made.
struct Issued {
  std::string certificate;
  std::string key;
  std::string p12;             // empty: none asked for
  std::string p12_passphrase;  // only if it was made here
};

Result<Unit> write_p12(const Opened& pki, const PkiOptions& options, const net::MadeCertificate& made,
                       PkiFolder::Replace how, Issued& files) {
  std::string passphrase;
  if (options.p12_passphrase_file.empty()) {
    passphrase = files.p12_passphrase = net::random_secret("");
  } else {
    Result<std::string> given = read_passphrase(options.p12_passphrase_file);
    if (!given) return std::move(given).error();
    passphrase = *std::move(given);
  }
  const Result<std::string> p12 = net::pkcs12(made, pki.certificate, options.name, passphrase);
  if (!p12) return p12.error();
  const std::string file = "issued/" + options.name + ".p12";
  files.p12 = pki.folder.path(file);
  return pki.folder.write_secret(file, *p12, how);
}

// The index knows a certificate before anybody can have it: what is forgotten can never be revoked.
Result<Issued> hand_out(Opened& pki, const PkiOptions& options, PkiEntry entry, PkiFolder::Replace how) {
  if (entry.expires > pki.authority.expires()) {
    entry.expires = pki.authority.expires();
    std::fprintf(stderr, "note: it ends with the authority, %s\n", rfc3339_seconds(entry.expires).c_str());
  }
  const Result<net::CertificateRequest> request = request_of(entry);
  if (!request) return request.error();
  const Result<net::MadeCertificate> made = pki.authority.issue(*request);
  if (!made) return made.error();
  entry.serial = made->serial;
  if (PkiEntry* const before = pki.index.current(entry.name)) before->current = false;
  const std::string base = "issued/" + entry.name;
  pki.index.entries.push_back(std::move(entry));
  if (Result<Unit> kept = pki.folder.write_index(pki.index); !kept) return std::move(kept).error();
  Issued files{pki.folder.path(base + ".pem"), pki.folder.path(base + ".key"), {}, {}};
  if (Result<Unit> kept = pki.folder.write_secret(base + ".key", made->key, how); !kept) return std::move(kept).error();
  if (Result<Unit> kept = pki.folder.write_public(base + ".pem", made->certificate, how); !kept) {
    return std::move(kept).error();
  }
  if (options.p12) {
    if (Result<Unit> kept = write_p12(pki, options, *made, how, files); !kept) return std::move(kept).error();
  }
  return files;
}

void print_issued(const PkiEntry& entry, const Issued& files, Output output) {
  if (output == Output::json) {
    std::string text;
    json::Writer writer{text};
    writer.open_object().text("name", entry.name).text("serial", entry.serial);
    writer.text("purpose", purpose_name(entry.purpose)).text("expires", rfc3339_seconds(entry.expires));
    writer.text("certificate", files.certificate).text("key", files.key);
    if (!files.p12.empty()) writer.text("pkcs12", files.p12);
    if (!files.p12_passphrase.empty()) writer.text("pkcs12_passphrase", files.p12_passphrase);
    writer.close_object();
    std::printf("%s\n", text.c_str());
    return;
  }
  std::printf("%s certificate for %s, serial %s, until %s\n", std::string{purpose_name(entry.purpose)}.c_str(),
              entry.name.c_str(), entry.serial.c_str(), rfc3339_seconds(entry.expires).c_str());
  std::printf("  certificate  %s\n  key          %s\n", files.certificate.c_str(), files.key.c_str());
  if (!files.p12.empty()) std::printf("  pkcs12       %s\n", files.p12.c_str());
  if (!files.p12_passphrase.empty()) {
    std::printf("  passphrase of the pkcs12 file, shown this once: %s\n", files.p12_passphrase.c_str());
  }
}

Result<PkiEntry> new_entry(const PkiOptions& options) {
  const Result<Duration> lives = lifetime(options.valid, kCertificateLives);
  if (!lives) return lives.error();
  PkiEntry entry;
  entry.name = options.name;
  entry.purpose = options.purpose;
  entry.key = options.key;
  entry.issued = now();
  entry.expires = now() + *lives;
  for (const std::string& name : options.dns) entry.names.push_back("DNS:" + name);
  for (const std::string& ip : options.ips) {
    const Result<IpAddress> address = IpAddress::parse(ip);
    if (!address) return address.error();
    entry.names.push_back("IP:" + address->text());
  }
  for (const std::string& uri : options.uris) entry.names.push_back("URI:" + uri);
  return entry;
}

Result<Unit> check_name(const std::string& name) {
  if (is_pki_name(name)) return Unit{};
  return make_error(
      Code::invalid_request,
      "a certificate's name has letters, digits, dots, hyphens and underlines, 64 at most: it names files");
}

// By name the certificate in use; by serial number any.
PkiEntry* find(PkiIndex& index, const std::string& name) {
  if (PkiEntry* const entry = index.current(name)) return entry;
  const auto found = std::find_if(index.entries.begin(), index.entries.end(),
                                  [&](const PkiEntry& entry) { return entry.serial == name; });
  return found == index.entries.end() ? nullptr : &*found;
}

Error unknown(const PkiOptions& options) {
  return make_error(Code::invalid_request, "this authority has issued nothing called `" + options.name +
                                               "`; see `intragate pki list --dir " + options.dir + "`");
}

std::string_view state_of(const PkiEntry& entry) {
  if (entry.revoked) return "revoked";
  if (entry.expires <= now()) return "expired";
  if (!entry.current) return "replaced";
  return entry.expires <= now() + kSoon ? "ends soon" : "good";
}

std::string row_json(const PkiEntry& entry) {
  std::string row;
  json::Writer writer{row};
  writer.open_object().text("name", entry.name).text("purpose", purpose_name(entry.purpose));
  writer.text("serial", entry.serial).text("state", state_of(entry)).flag("current", entry.current);
  writer.text("issued", rfc3339_seconds(entry.issued)).text("expires", rfc3339_seconds(entry.expires));
  if (entry.revoked) {
    writer.text("revoked", rfc3339_seconds(*entry.revoked)).text("reason", reason_name(entry.reason));
  }
  writer.open_array("names");
  for (const std::string& name : entry.names) writer.element(name);
  writer.close_array().close_object();
  return row;
}

void print_json(const net::CertificateFacts& authority, WallTime list_expires, const PkiIndex& index) {
  std::string rows;
  for (const PkiEntry& entry : index.entries) rows += (rows.empty() ? "" : ",") + row_json(entry);
  std::string text;
  json::Writer writer{text};
  writer.open_object().open_object("authority").text("name", authority.name);
  writer.text("expires", rfc3339_seconds(authority.expires)).close_object();
  writer.open_object("revocation_list").number("number", static_cast<std::int64_t>(index.list_number));
  writer.text("expires", rfc3339_seconds(list_expires)).close_object();
  writer.raw("certificates", "[" + rows + "]").close_object();
  std::printf("%s\n", text.c_str());
}

void print_table(const net::CertificateFacts& authority, WallTime list_expires, const PkiIndex& index) {
  int widest = 4;
  for (const PkiEntry& entry : index.entries) widest = std::max(widest, static_cast<int>(entry.name.size()));
  std::printf("%-*s  PURPOSE  STATE      %-20s  %-32s  NAMES\n", widest, "NAME", "EXPIRES", "SERIAL");
  for (const PkiEntry& entry : index.entries) {
    std::string names;
    for (const std::string& name : entry.names) names += (names.empty() ? "" : " ") + name;
    std::printf("%-*s  %-7s  %-9s  %s  %s  %s\n", widest, entry.name.c_str(),
                std::string{purpose_name(entry.purpose)}.c_str(), std::string{state_of(entry)}.c_str(),
                rfc3339_seconds(entry.expires).c_str(), entry.serial.c_str(), names.empty() ? "-" : names.c_str());
  }
  std::printf("authority %s until %s; list of revoked certificates number %llu until %s\n", authority.name.c_str(),
              rfc3339_seconds(authority.expires).c_str(), static_cast<unsigned long long>(index.list_number),
              rfc3339_seconds(list_expires).c_str());
}

void print_list_written(const Opened& pki, WallTime until, Output output) {
  const std::string file = pki.folder.path("crl.pem");
  if (output == Output::json) {
    std::string text;
    json::Writer writer{text};
    writer.open_object().text("revocation_list", file);
    writer.number("number", static_cast<std::int64_t>(pki.index.list_number));
    writer.text("expires", rfc3339_seconds(until)).close_object();
    std::printf("%s\n", text.c_str());
    return;
  }
  std::printf("%s counts until %s: bring it to every server that checks certificates\n", file.c_str(),
              rfc3339_seconds(until).c_str());
}

Result<Unit> make_authority(const PkiOptions& options, Duration lives, const std::string& passphrase) {
  Result<PkiFolder> folder = PkiFolder::create(options.dir);
  if (!folder) return std::move(folder).error();
  const Result<net::MadeCertificate> made =
      net::Authority::make(options.name, options.key, valid_for(lives), passphrase);
  if (!made) return made.error();
  const Result<net::Authority> authority = net::Authority::open(made->certificate, made->key, passphrase);
  if (!authority) return authority.error();
  if (Result<Unit> kept = folder->write_secret("ca.key", made->key, kNever); !kept) return kept;
  PkiIndex index;
  if (Result<WallTime> listed = write_list(*folder, index, *authority, kListLives); !listed) {
    return std::move(listed).error();
  }
  return folder->write_public("ca.pem", made->certificate, kNever);  // last: with it, the authority is there
}

}  // namespace

int pki_init(const PkiOptions& options, Output output) {
  const Result<Duration> lives = lifetime(options.valid, kAuthorityLives);
  if (!lives) return say_no(lives.error());
  const Result<std::string> passphrase = passphrase_of(options);
  if (!passphrase) return say_no(passphrase.error());
  if (Result<Unit> made = make_authority(options, *lives, *passphrase); !made) return say_no(made.error());
  const std::string certificate = options.dir + "/ca.pem";
  const std::string until = rfc3339_seconds(now() + *lives);
  if (output == Output::json) {
    std::string text;
    json::Writer writer{text};
    writer.open_object().text("name", options.name).text("expires", until).text("certificate", certificate);
    writer.text("key", options.dir + "/ca.key").flag("encrypted", !passphrase->empty());
    writer.text("revocation_list", options.dir + "/crl.pem").close_object();
    std::printf("%s\n", text.c_str());
    return 0;
  }
  std::printf("authority %s until %s\n  certificate  %s  (bring it to every machine)\n", options.name.c_str(),
              until.c_str(), certificate.c_str());
  std::printf("  key          %s/ca.key  (%s)\n  revoked      %s/crl.pem\n", options.dir.c_str(),
              passphrase->empty() ? "not encrypted: keep this folder offline, or use --passphrase-file" : "encrypted",
              options.dir.c_str());
  return 0;
}

int pki_issue(const PkiOptions& options, Output output) {
  if (Result<Unit> fits = check_name(options.name); !fits) return say_no(fits.error());
  Result<PkiEntry> entry = new_entry(options);
  if (!entry) return say_no(entry.error());
  Result<Opened> pki = open_authority(options);
  if (!pki) return say_no(pki.error());
  if (pki->index.current(options.name) != nullptr) {
    return say_no(make_error(Code::invalid_request, "`" + options.name +
                                                        "` has a certificate already: nothing was changed; use "
                                                        "`intragate pki renew`, or another name"));
  }
  const Result<Issued> files = hand_out(*pki, options, *std::move(entry), kNever);
  if (!files) return say_no(files.error());
  print_issued(pki->index.entries.back(), *files, output);
  return 0;
}

int pki_renew(const PkiOptions& options, Output output) {
  Result<Opened> pki = open_authority(options);
  if (!pki) return say_no(pki.error());
  PkiEntry* const before = pki->index.current(options.name);
  if (before == nullptr) return say_no(unknown(options));
  const Result<Duration> lives = lifetime(options.valid, before->expires - before->issued);
  if (!lives) return say_no(lives.error());
  PkiEntry entry = *before;
  entry.issued = now();
  entry.expires = now() + *lives;
  entry.revoked.reset();
  entry.reason = net::RevocationReason::unspecified;
  const std::string old = before->serial;  // `before` does not outlive the next entry
  const Result<Issued> files = hand_out(*pki, options, std::move(entry), kOld);
  if (!files) return say_no(files.error());
  print_issued(pki->index.entries.back(), *files, output);
  if (!options.revoke_old) return 0;
  PkiEntry* const replaced = find(pki->index, old);
  if (replaced != nullptr && !replaced->revoked) {
    replaced->revoked = now();
    replaced->reason = net::RevocationReason::superseded;
  }
  const Result<WallTime> listed = write_list(pki->folder, pki->index, pki->authority, kListLives);
  return listed ? 0 : say_no(listed.error());
}

int pki_revoke(const PkiOptions& options, Output output) {
  Result<Opened> pki = open_authority(options);
  if (!pki) return say_no(pki.error());
  PkiEntry* const entry = find(pki->index, options.name);
  if (entry == nullptr) return say_no(unknown(options));
  if (entry->revoked) {
    return say_no(make_error(Code::invalid_request, "serial " + entry->serial + " has been revoked since " +
                                                        rfc3339_seconds(*entry->revoked)));
  }
  entry->revoked = now();
  entry->reason = options.reason;
  const Result<WallTime> listed = write_list(pki->folder, pki->index, pki->authority, kListLives);
  if (!listed) return say_no(listed.error());
  print_list_written(*pki, *listed, output);
  return 0;
}

int pki_crl(const PkiOptions& options, Output output) {
  const Result<Duration> lives = lifetime(options.valid, kListLives);
  if (!lives) return say_no(lives.error());
  Result<Opened> pki = open_authority(options);
  if (!pki) return say_no(pki.error());
  const Result<WallTime> listed = write_list(pki->folder, pki->index, pki->authority, *lives);
  if (!listed) return say_no(listed.error());
  print_list_written(*pki, *listed, output);
  return 0;
}

int pki_list(const PkiOptions& options, Output output) {
  const Result<PkiFolder> folder = PkiFolder::open(options.dir);
  if (!folder) return say_no(folder.error());
  const Result<PkiIndex> index = folder->read_index();
  if (!index) return say_no(index.error());
  const Result<std::string> certificate = folder->read("ca.pem");
  if (!certificate) return say_no(certificate.error());
  const Result<net::CertificateFacts> authority = net::certificate_facts(*certificate);
  if (!authority) return say_no(authority.error());
  const Result<std::string> list = folder->read("crl.pem");
  if (!list) return say_no(list.error());
  const Result<WallTime> list_expires = net::revocation_list_expires(*list);
  if (!list_expires) return say_no(list_expires.error());
  if (output == Output::json) {
    print_json(*authority, *list_expires, *index);
    return 0;
  }
  print_table(*authority, *list_expires, *index);
  if (*list_expires <= now() + kSoon) {
    std::fprintf(stderr, "warning: the list of revoked certificates ends soon: `intragate pki crl --dir %s`\n",
                 options.dir.c_str());
  }
  return 0;
}

}  // namespace intragate::app
