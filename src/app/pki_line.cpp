#include "app/pki_line.h"

#include <map>
#include <string>

namespace intragate::app {
namespace {

using net::KeyType;
using net::Purpose;
using net::RevocationReason;
const std::map<std::string, KeyType> kKeys{{"ec", KeyType::ec}, {"rsa", KeyType::rsa}};
const std::map<std::string, Purpose> kPurposes{
    {"server", Purpose::server}, {"client", Purpose::client}, {"model", Purpose::model}};
const std::map<std::string, RevocationReason> kReasons{{"unspecified", RevocationReason::unspecified},
                                                       {"key-compromise", RevocationReason::key_compromise},
                                                       {"superseded", RevocationReason::superseded},
                                                       {"cessation", RevocationReason::cessation}};

void add_passphrase(CLI::App* verb, PkiOptions& options) {
  verb->add_option("--passphrase-file", options.passphrase_file,
                   "file with the passphrase of the authority's key (default: $INTRAGATE_PKI_PASSPHRASE, or none)");
}

void add_key(CLI::App* verb, PkiOptions& options) {
  verb->add_option("--key", options.key, "ec (P-256, the default) or rsa (3072 bits)")
      ->transform(CLI::CheckedTransformer(kKeys).description("ec|rsa"));
}

void add_valid(CLI::App* verb, PkiOptions& options, const char* help) {
  verb->add_option("--valid", options.valid, help)->type_name("TIME");
}

void add_p12(CLI::App* verb, PkiOptions& options) {
  CLI::Option* wanted = verb->add_flag("--p12", options.p12, "also certificate, key and authority in one PKCS#12 file");
  verb->add_option("--p12-passphrase-file", options.p12_passphrase_file,
                   "file with its passphrase (default: one is made and printed once)")
      ->needs(wanted);
}

}  // namespace

CLI::App* PkiLine::add(CLI::App* pki, const char* word, const char* help, Verb verb) {
  CLI::App* command = pki->add_subcommand(word, help);
  command->add_option("--dir", options_.dir, "the authority's folder (default: pki)");
  command->add_flag("--json", json_, "print JSON");
  verbs_.emplace_back(command, verb);
  return command;
}

PkiLine::PkiLine(CLI::App& app) {
  CLI::App* pki = app.add_subcommand("pki", "an offline certificate authority for an intranet");
  pki->require_subcommand(1);

  CLI::App* init = add(pki, "init", "make the authority", pki_init);
  options_.name = "Intranet CA";
  init->add_option("--name", options_.name, "its name in every certificate (default: Intranet CA)");
  add_key(init, options_);
  add_valid(init, options_, "how long it lives (default: 3650d)");
  add_passphrase(init, options_);

  CLI::App* issue = add(pki, "issue", "make a key and a certificate for it", pki_issue);
  issue->add_option("NAME", options_.name, "whose it is: the subject, and the name of the files")->required();
  issue->add_option("--for", options_.purpose, "server (the gateway, nginx), model (a model server), or client")
      ->required()
      ->transform(CLI::CheckedTransformer(kPurposes).description("server|client|model"));
  issue->add_option("--dns", options_.dns, "a DNS name it is called by; may be repeated")->allow_extra_args(false);
  issue->add_option("--ip", options_.ips, "an address it is called by; may be repeated")->allow_extra_args(false);
  issue->add_option("--uri", options_.uris, "a URI, such as spiffe://bank.example/dify; may be repeated")
      ->allow_extra_args(false);
  add_key(issue, options_);
  add_valid(issue, options_, "how long it lives (default: 365d)");
  add_p12(issue, options_);
  add_passphrase(issue, options_);

  add(pki, "list", "what was issued, and until when it counts", pki_list);

  CLI::App* renew = add(pki, "renew", "a new key and certificate with the same names", pki_renew);
  renew->add_option("NAME", options_.name, "whose")->required();
  add_valid(renew, options_, "how long it lives (default: as long as the one before)");
  renew->add_flag("--revoke", options_.revoke_old, "revoke the one before (default: it counts until it ends)");
  add_p12(renew, options_);
  add_passphrase(renew, options_);

  CLI::App* revoke = add(pki, "revoke", "declare a certificate void, and sign the list that says so", pki_revoke);
  revoke->add_option("NAME", options_.name, "whose certificate in use, or the serial number of any")->required();
  revoke->add_option("--reason", options_.reason, "unspecified, key-compromise, superseded or cessation")
      ->transform(CLI::CheckedTransformer(kReasons).description("REASON"));
  add_passphrase(revoke, options_);

  CLI::App* crl = add(pki, "crl", "sign the list of revoked certificates anew, before it ends", pki_crl);
  add_valid(crl, options_, "how long it counts (default: 90d)");
  add_passphrase(crl, options_);
}

std::optional<int> PkiLine::run() const {
  for (const auto& [command, verb] : verbs_) {
    if (*command) return verb(options_, json_ ? Output::json : Output::text);
  }
  return std::nullopt;
}

}  // namespace intragate::app
