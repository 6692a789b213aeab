// `audit`: what is kept of every call, how, and where else it goes.
#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "config/endpoint_url.h"
#include "config/readers.h"
#include "config/tls_rules.h"
#include "net/seal_key.h"

namespace intragate::config {
namespace {

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

// Every way to say where a copy goes; the ports are those of RFC 5426, 6587 (by convention) and 5425.
struct Scheme {
  std::string_view word;
  AuditCopy::Form form;
  AuditCopy::Way way;
  bool tls;
  std::uint16_t port;  // 0: none is usual
};
constexpr std::array kSchemes{
    Scheme{"syslog+udp", AuditCopy::Form::syslog, AuditCopy::Way::datagrams, false, 514},
    Scheme{"syslog+tcp", AuditCopy::Form::syslog, AuditCopy::Way::stream, false, 601},
    Scheme{"syslog+tls", AuditCopy::Form::syslog, AuditCopy::Way::stream, true, 6514},
    Scheme{"lines+tcp", AuditCopy::Form::lines, AuditCopy::Way::stream, false, 0},
    Scheme{"lines+tls", AuditCopy::Form::lines, AuditCopy::Way::stream, true, 0},
};

bool names_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
}

// scheme://host[:port]. Errors: invalid_configuration.
Result<AuditCopy> parse_target(const std::string& text) {
  const std::size_t end = text.find("://");
  const std::string word = text::lower(text.substr(0, end));
  const auto* const scheme =
      std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& one) { return one.word == word; });
  if (end == std::string::npos || scheme == kSchemes.end()) {
    return make_error(Code::invalid_configuration,
                      "a copy goes to syslog+udp://, syslog+tcp://, syslog+tls://, lines+tcp:// or lines+tls://");
  }
  const std::string authority = text.substr(end + 3);
  if (authority.find_first_of("/?#") != std::string::npos) {
    return make_error(Code::invalid_configuration, "a copy's target is a host and a port, and nothing behind them");
  }
  if (!names_port(authority) && scheme->port == 0) {
    return make_error(Code::invalid_configuration, "lines have no usual port: name one, as in host:5140");
  }
  const std::string port = names_port(authority) ? std::string{} : ":" + std::to_string(scheme->port);
  Result<Endpoint> at = parse_endpoint_url("http://" + authority + port);
  if (!at) return std::move(at).error();
  AuditCopy copy{.to = text, .host = at->host, .port = at->port, .form = scheme->form, .way = scheme->way};
  if (scheme->tls) copy.tls.emplace();
  return copy;
}

AuditCopy read_copy(Section& section, const AddressList& egress) {
  AuditCopy copy;
  const std::optional<Scalar> to = section.scalar("to");
  if (to) {
    Result<AuditCopy> parsed = parse_target(to->text);
    if (!parsed) {
      section.unusable("to", *to, parsed.error());
    } else {
      copy = *std::move(parsed);
      const Result<IpAddress> ip = IpAddress::parse(copy.host);
      if (ip && !egress.contains(*ip))
        section.warn(to->place, "`egress.allow` does not contain " + ip->text() + ": no record will get there");
    }
  }
  section.size("buffer", copy.buffer);
  if (section.choice("on_full") == "refuse") copy.on_full = OnFull::refuse;
  if (std::optional<Section> tls = section.section("tls")) {
    if (copy.tls) {
      read_client_tls(*tls, copy.host, *copy.tls);
    } else if (!copy.to.empty()) {
      tls->problem(tls->place(), '`' + tls->path() + "` needs a target that begins with syslog+tls:// or lines+tls://");
    }
  }
  return copy;
}

void read_copies(Section& audit, Config& config) {
  std::set<std::string> known;
  for (Section& section : audit.sections("copies")) {
    AuditCopy copy = read_copy(section, config.egress);
    if (!copy.to.empty() && !known.insert(copy.to).second)
      section.problem(section.place("to"), "another copy goes there already");
    config.audit.copies.push_back(std::move(copy));
  }
}

}  // namespace

std::optional<Content> content_of(std::string_view word) {
  if (word == "none") return Content::none;
  if (word == "digest") return Content::digest;
  if (word == "redacted") return Content::redacted;
  if (word == "full") return Content::full;
  return std::nullopt;
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
  read_copies(*audit, config);
}

}  // namespace intragate::config
