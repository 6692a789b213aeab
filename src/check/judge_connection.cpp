// Connections: redirects, TLS, time, and many of them, one after the other and at once.
#include "check/judge.h"

namespace intragate::check {
namespace {

constexpr Duration kSlowHead = std::chrono::seconds{30};
constexpr Duration kNoise = std::chrono::milliseconds{20};  // of a first byte

std::string milliseconds(Duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace

void judge_connection(const Answer& answer, std::string_view call, Findings& into) {
  Finding redirect{.id = "C1", .title = "no redirect on " + std::string{call}};
  if (answer.status >= 300 && answer.status < 400) {
    redirect.verdict = Verdict::bad;
    redirect.detail = "status " + std::to_string(answer.status) + " to " + excerpt(answer.location);
    redirect.dify_shows = "an error: Dify turns the request into a GET without a body when it follows";
    redirect.cure = "use the address behind the redirect";
  }
  into.push_back(std::move(redirect));
  Finding slow{.id = "C4", .title = "an answer to five tokens begins in time"};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(answer.headed).count();
  if (answer.headed > kSlowHead) {
    slow.verdict = Verdict::open;
    slow.detail = "it took " + std::to_string(seconds) + " s";
    slow.cure = "`timeouts.first_byte` above that; Dify's plugin itself gives up after 300 s of silence";
  }
  into.push_back(std::move(slow));
}

void judge_handshake(const Handshake& seen, const config::EndpointTls& tls, Findings& into) {
  Finding found{.id = "C2", .title = "TLS that Dify can verify", .detail = seen.version};
  if (!seen.failure.empty()) {
    found.verdict = Verdict::bad;
    found.detail = seen.failure;
    found.dify_shows = "SSLError, certificate verify failed";
    found.cure =
        "a certificate with its chain and the right name; for an authority of your own --ca here, `endpoints[].tls.ca` "
        "at the gateway, REQUESTS_CA_BUNDLE at Dify's plugin daemon where it asks this server itself";
  } else if (!tls.certificate.empty()) {
    found.verdict = Verdict::open;
    found.detail += ", with the client certificate of the configuration";
    found.dify_shows = "SSLError where it asks this server itself: Dify has no client certificate to show";
    found.cure = "let only the gateway ask it";
  } else if (tls.dangerously_trust_anyone) {
    found.verdict = Verdict::open;
    found.detail += ", not verified: the configuration says dangerously_trust_anyone";
    found.cure = "`endpoints[].tls.ca`";
  }
  into.push_back(std::move(found));
}

void judge_connections(const Connections& all, Findings& into) {
  Finding found{
      .id = "C3", .title = "a new connection for every request", .detail = std::to_string(all.made) + " of them"};
  if (all.unanswered > 0) {
    found.verdict = Verdict::bad;
    found.detail += ", " + std::to_string(all.unanswered) + " without an answer";
    found.dify_shows = "Connection Error, now and then: it makes a new connection for every request";
    found.cure =
        "a limit of connections at the server, or at a firewall in front of it; the gateway keeps its connections";
  } else if (!all.succeeded) {
    found.verdict = Verdict::open;
    found.detail += ", and none brought what was asked for";
  }
  into.push_back(std::move(found));
}

bool is_knee(const std::vector<AtOnce>& steps) {
  if (steps.front().median == kNever || steps.back().median == kNever) return true;
  return steps.back().median > 2 * steps.front().median + kNoise;
}

std::uint32_t judge_concurrency(const std::vector<AtOnce>& steps, Findings& into) {
  Finding found{.id = "L0", .title = "calls at once until the first byte takes twice as long"};
  const AtOnce alone = steps.front();
  if (alone.median == kNever) {
    found.verdict = Verdict::open;
    found.detail = "a stream alone brought none";
    into.push_back(std::move(found));
    return 0;
  }
  const bool knee = is_knee(steps);
  const std::uint32_t good = knee ? steps[steps.size() - 2].calls : steps.back().calls;
  found.detail = knee ? std::to_string(good) : "more than " + std::to_string(good) + "; --at-once looks further";
  found.detail += " (alone " + milliseconds(alone.median) + ")";
  if (steps.back().median == kNever) found.detail += "; of " + std::to_string(steps.back().calls) + " most failed";
  into.push_back(std::move(found));
  return good;
}

}  // namespace intragate::check
