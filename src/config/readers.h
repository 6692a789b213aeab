// One reader per part of the configuration file. Each takes the whole file's section and fills its part of the
// configuration. Owner: load_yaml. Thread: that load's. Does not: convert values (section.h).
#pragma once

#include "config/config.h"
#include "config/section.h"

namespace intragate::config {

// Whether two sockets cannot listen at both addresses: 0.0.0.0 takes every IPv4 address with it, [::] every IPv6 one.
[[nodiscard]] bool overlap(const SocketAddress& a, const SocketAddress& b);

// The value of a `content` key; nothing: absent or unusable.
[[nodiscard]] std::optional<Content> content_of(std::string_view word);

// `tls` of a listener, which asks clients.
void read_server_tls(Section& listener, std::optional<ListenTls>& into);
// `tls` of what the gateway connects to; `host` is what the certificate must name unless it says otherwise.
void read_client_tls(Section& tls, const std::string& host, EndpointTls& into);
void read_certificate_rule(Section& certificate, CertificateRule& into);

void read_listen(Section& top, Config& config);  // listen, admin
void read_audit(Section& top, Config& config);   // audit; egress must have been read
void read_models(Section& top, Config& config);  // models, stream_buffer; egress must have been read
void read_dialect(Section& endpoint,
                  Endpoint& into);  // what is about one endpoint's dialect; its url must have been read
void read_triton(Section& endpoint, Endpoint& into);    // its dialect must have been read
void read_keys(Section& top, Config& config);           // keys; models must have been read
void read_content_rules(Section& top, Config& config);  // keys must have been read
void read_limits(Section& top, Config& config);         // limits; keys must have been read

}  // namespace intragate::config
