#include "net/http_head.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string>

#include "base/text.h"

namespace intragate::net {
namespace {

constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kMaxLengthDigits = 18;  // always below 2^63

// The sentence that names the rule broken; nullptr when all is well.
using Broken = const char*;

// What a byte may be part of.
constexpr std::uint8_t kToken = 1;   // method, header name (RFC 9110 5.6.2)
constexpr std::uint8_t kTarget = 2;  // visible ASCII but `#`: a fragment never travels
constexpr std::uint8_t kValue = 4;   // field values and reason phrases: HTAB, space, visible, bytes from 0x80
constexpr std::uint8_t kHost = 8;    // names, addresses, brackets, port, percent-encoding

constexpr std::array<std::uint8_t, 256> make_kinds() {
  std::array<std::uint8_t, 256> kinds{};
  const std::string_view token_marks = "!#$%&'*+-.^_`|~";
  const std::string_view host_marks = "-._~:[]%";
  for (unsigned c = 0; c < 256; ++c) {
    const bool letter_or_digit = text::is_letter(static_cast<char>(c)) || text::is_digit(static_cast<char>(c));
    const auto is_in = [c](std::string_view marks) { return marks.find(static_cast<char>(c)) != marks.npos; };
    if (letter_or_digit || (c < 128 && is_in(token_marks))) kinds[c] |= kToken;
    if (c > ' ' && c < 0x7f && c != '#') kinds[c] |= kTarget;
    if (c == '\t' || (c >= ' ' && c != 0x7f)) kinds[c] |= kValue;
    if (letter_or_digit || (c < 128 && is_in(host_marks))) kinds[c] |= kHost;
  }
  return kinds;
}
constexpr std::array<std::uint8_t, 256> kKinds = make_kinds();

constexpr bool is(char c, std::uint8_t kind) {
  return (kKinds[static_cast<unsigned char>(c)] & kind) != 0;
}
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool all_are(std::string_view text, std::uint8_t kind) {
  for (const char c : text) {
    if (!is(c, kind)) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// For the two headers that framing hangs on: a tab around their value is legal, but not every parser takes it for white
// space, so it stays and spoils the value.
std::string_view trim_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Eight bytes as one number; every mark is 0x80 in its byte. "Hacker's Delight" (Warren), section 6-1.
using Word = std::uint64_t;
constexpr Word kOnes = 0x0101010101010101;
constexpr Word kHighBits = 0x8080808080808080;
static_assert(std::endian::native == std::endian::little, "the first byte of a text must be the lowest of a word");

Word load_word(const char* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
std::ptrdiff_t bytes_before(Word marks) {
  return std::countr_zero(marks) / 8;
}
// The first mark is right; above it there may be wrong ones, since a subtraction borrows from the next byte.
Word mark_controls(Word word) {
  const Word against_del = word ^ (kOnes * 0x7f);
  return (((word - kOnes * 0x20) & ~word) | ((against_del - kOnes) & ~against_del)) & kHighBits;
}
// Exact for all eight: `low` without high bits, so that no sum overflows.
Word mark_range(Word low, char first, char last) {
  const Word from = low + kOnes * (0x80U - static_cast<unsigned char>(first));
  const Word beyond = low + kOnes * (0x7fU - static_cast<unsigned char>(last));
  return from & ~beyond & kHighBits;
}
// What is neither a letter nor a hyphen, which is what names of headers are made of.
Word mark_no_name(Word word) {
  const Word low = word & ~kHighBits;
  const Word letters = mark_range(low | kOnes * 0x20, 'a', 'z');
  return (~(letters | mark_range(low, '-', '-')) | word) & kHighBits;
}
Word lower_case(Word word) {
  return word | ((mark_range(word & ~kHighBits, 'A', 'Z') & ~word) >> 2);
}

// Walks over a head once, from left to right.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_{text.data()}, end_{text.data() + text.size()} {}

  [[nodiscard]] bool done() const { return at_ == end_; }
  // Steps over `literal` when it comes next.
  bool skip(std::string_view literal) {
    if (static_cast<std::size_t>(end_ - at_) < literal.size()) return false;
    if (std::memcmp(at_, literal.data(), literal.size()) != 0) return false;
    at_ += literal.size();
    return true;
  }
  // The longest run of that kind of bytes.
  std::string_view take(std::uint8_t kind) {
    const char* const begin = at_;
    while (at_ != end_ && is(*at_, kind)) ++at_;
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }
  // take(kToken) and take(kValue), eight bytes at a time: names and values are most of a head.
  std::string_view take_name() {
    const char* const begin = at_;
    while (whole_word()) {
      const Word others = mark_no_name(load_word(at_));
      at_ += others == 0 ? 8 : bytes_before(others);
      if (others != 0 && !is(*at_, kToken)) return {begin, static_cast<std::size_t>(at_ - begin)};
      if (others != 0) ++at_;
    }
    take(kToken);
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }
  std::string_view take_value() {
    const char* const begin = at_;
    while (whole_word()) {
      const Word controls = mark_controls(load_word(at_));
      at_ += controls == 0 ? 8 : bytes_before(controls);
      if (controls != 0 && !is(*at_, kValue)) return {begin, static_cast<std::size_t>(at_ - begin)};
      if (controls != 0) ++at_;  // a tab
    }
    take(kValue);
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

 private:
  [[nodiscard]] bool whole_word() const { return end_ - at_ >= 8; }

  const char* at_;
  const char* end_;
};

// What the header fields say about the message around them.
struct Facts {
  std::size_t hosts = 0;
  std::size_t authorizations = 0;
  std::string_view host;
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  Expect expect = Expect::nothing;
};

Broken note_length(std::string_view value, Facts& facts) {
  if (facts.length) return "Content-Length is given more than once";
  if (value.empty() || value.size() > kMaxLengthDigits) return "Content-Length is not a number of 1 to 18 digits";
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!text::is_digit(c)) return "Content-Length is not a number of 1 to 18 digits";
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  facts.length = length;
  return nullptr;
}

Broken note_transfer_encoding(std::string_view value, Facts& facts) {
  if (facts.chunked) return "Transfer-Encoding is given more than once";
  if (!equals_ignoring_case(value, "chunked")) return "Transfer-Encoding is not exactly \"chunked\"";
  facts.chunked = true;
  return nullptr;
}

void note_connection(std::string_view value, Facts& facts) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, comma));
    if (equals_ignoring_case(option, "close")) facts.close = true;
    if (equals_ignoring_case(option, "keep-alive")) facts.keep_alive = true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

void note_expect(std::string_view value, Facts& facts) {
  const bool known = equals_ignoring_case(value, "100-continue") && facts.expect != Expect::unknown;
  facts.expect = known ? Expect::continue_100 : Expect::unknown;
}

// Looks at names by their length first: most headers are none of these. `raw` is the value with its white space.
Broken note(const Header& header, std::string_view raw, Facts& facts) {
  const auto named = [&header](std::string_view name) { return equals_ignoring_case(header.name, name); };
  switch (header.name.size()) {
    case 4:
      if (!named("host")) break;
      ++facts.hosts;
      facts.host = header.value;
      break;
    case 6:
      if (named("expect")) note_expect(header.value, facts);
      break;
    case 10:
      if (named("connection")) note_connection(header.value, facts);
      break;
    case 13:
      if (named("authorization") && ++facts.authorizations > 1) return "Authorization is given more than once";
      break;
    case 14:
      if (named("content-length")) return note_length(trim_spaces(raw), facts);
      break;
    case 17:
      if (named("transfer-encoding")) return note_transfer_encoding(trim_spaces(raw), facts);
      break;
    default: break;
  }
  return nullptr;
}

Broken read_header(Cursor& in, Header& header, Facts& facts) {
  header.name = in.take_name();
  if (header.name.empty()) return "a header line does not begin with a name";  // folded lines too
  if (!in.skip(":")) return "a header name holds a forbidden character or is not followed by a colon";
  const std::string_view raw = in.take_value();
  if (!in.skip("\r\n")) return "a header value holds a control character";
  header.value = trim(raw);
  return note(header, raw, facts);
}

// The header lines and the empty line, which must be the last thing there is.
Broken read_headers(Cursor& in, std::vector<Header>& headers, Facts& facts) {
  headers.clear();
  while (!in.skip("\r\n")) {
    if (headers.size() == kMaxHeaders) return "there are more than 100 headers";
    Header header;
    if (const Broken broken = read_header(in, header, facts)) return broken;
    headers.push_back(header);
  }
  return in.done() ? nullptr : "bytes follow the empty line";
}

// "HTTP/1.0" or "HTTP/1.1"; the version's last digit, or nothing.
std::optional<int> read_version(Cursor& in) {
  if (in.skip("HTTP/1.1")) return 1;
  if (in.skip("HTTP/1.0")) return 0;
  return std::nullopt;
}

bool has_known_form(std::string_view target) {
  if (target.starts_with('/') || target == "*") return true;
  const auto begins_with = [target](std::string_view scheme) {
    return target.size() > scheme.size() && equals_ignoring_case(target.substr(0, scheme.size()), scheme);
  };
  return begins_with("http://") || begins_with("https://");
}

Broken read_request_line(Cursor& in, RequestHead& head) {
  in.skip("\r\n");  // RFC 9112 2.2: some old clients send one too many behind a body
  head.method = in.take(kToken);
  if (head.method.empty() || head.method.size() > kMaxMethod) return "the method is not a token of 1 to 32 characters";
  if (!in.skip(" ")) return "the method is not followed by one space";
  head.target = in.take(kTarget);
  if (!has_known_form(head.target)) return "the target is neither a path nor an http URL";
  if (!in.skip(" ")) return "the target holds a forbidden character or is not followed by one space";
  const std::optional<int> minor_version = read_version(in);
  if (!minor_version) return "the version is neither HTTP/1.1 nor HTTP/1.0";
  head.minor_version = *minor_version;
  return in.skip("\r\n") ? nullptr : "the request line does not end behind the version";
}

Broken read_status_line(Cursor& in, ResponseHead& head) {
  const std::optional<int> minor_version = read_version(in);
  if (!minor_version) return "the version is neither HTTP/1.1 nor HTTP/1.0";
  head.minor_version = *minor_version;
  if (!in.skip(" ")) return "the version is not followed by one space";
  const std::string_view status = in.take(kToken);
  if (status.size() != 3 || !text::is_digit(status[0]) || !text::is_digit(status[1]) || !text::is_digit(status[2])) {
    return "the status is not a number of three digits";
  }
  head.status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
  if (head.status < 100 || head.status > 599) return "the status is not between 100 and 599";
  if (head.status == 101) return "the protocol is switched although nobody asked for it";
  if (in.skip(" ")) in.take_value();  // the reason phrase tells nothing
  return in.skip("\r\n") ? nullptr : "the reason phrase holds a control character";
}

// What holds in both directions.
Broken check_lengths(const Facts& facts, int minor_version) {
  if (facts.chunked && facts.length) return "Content-Length and Transfer-Encoding are both given";
  if (facts.chunked && minor_version == 0) return "Transfer-Encoding does not exist in HTTP/1.0";
  return nullptr;
}

bool stays_open(const Facts& facts, int minor_version) {
  return !facts.close && (minor_version == 1 || facts.keep_alive);
}

Broken conclude(const Facts& facts, RequestHead& head) {
  if (const Broken broken = check_lengths(facts, head.minor_version)) return broken;
  if (facts.hosts > 1) return "Host is given more than once";
  if (facts.hosts == 0 && head.minor_version == 1) return "Host is missing";
  if (!all_are(facts.host, kHost)) return "Host holds a forbidden character";
  if (facts.chunked) head.framing = Framing::chunked;
  if (facts.length) head.framing = *facts.length == 0 ? Framing::none : Framing::length;
  head.content_length = facts.length.value_or(0);
  head.keep_alive = stays_open(facts, head.minor_version);
  if (head.minor_version == 1) head.expect = facts.expect;  // RFC 9110 10.1.1: HTTP/1.0 does not know it
  return nullptr;
}

Broken conclude(const Facts& facts, Asked asked, ResponseHead& head) {
  if (const Broken broken = check_lengths(facts, head.minor_version)) return broken;
  const bool never_a_body = head.status < 200 || head.status == 204;
  if (never_a_body && (facts.chunked || facts.length.value_or(0) > 0)) {
    return "a body is announced where there can be none";
  }
  head.content_length = facts.length.value_or(0);
  head.keep_alive = stays_open(facts, head.minor_version);
  if (never_a_body || head.status == 304 || asked == Asked::head_only) return nullptr;
  if (facts.chunked) {
    head.framing = Framing::chunked;
  } else if (facts.length) {
    head.framing = *facts.length == 0 ? Framing::none : Framing::length;
  } else {
    head.framing = Framing::until_close;
    head.keep_alive = false;
  }
  return nullptr;
}

}  // namespace

HeadEnd find_head_end(std::string_view bytes, std::size_t from) {
  const char* const begin = bytes.data();
  const auto bad = [] { return HeadEnd{.state = HeadEnd::State::bad}; };
  const auto holds_nul = [&](std::size_t end) { return std::memchr(begin + from, 0, end - from) != nullptr; };
  for (std::size_t at = from; at < bytes.size(); ++at) {
    const void* const found = std::memchr(begin + at, '\n', bytes.size() - at);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const char*>(found) - begin);
    if (at == 0 || begin[at - 1] != '\r') return bad();
    if (at == 1) continue;  // one empty line in front
    if (begin[at - 2] != '\n') continue;
    if (at == 3 || holds_nul(at)) return bad();  // 3: a second one
    return {.state = HeadEnd::State::complete, .size = at + 1};
  }
  if (from < bytes.size() && holds_nul(bytes.size())) return bad();
  return {.state = HeadEnd::State::incomplete, .scanned = bytes.size()};
}

Result<RequestHead> parse_request_head(std::string_view head, std::vector<Header>& headers) {
  Cursor in{head};
  RequestHead request;
  Facts facts;
  Broken broken = read_request_line(in, request);
  if (broken == nullptr) broken = read_headers(in, headers, facts);
  if (broken == nullptr) broken = conclude(facts, request);
  if (broken == nullptr) return request;
  return make_error(Code::malformed_request, std::string{"The request is not valid HTTP: "} + broken + ".");
}

Result<ResponseHead> parse_response_head(std::string_view head, std::vector<Header>& headers, Asked asked) {
  Cursor in{head};
  ResponseHead response;
  Facts facts;
  Broken broken = read_status_line(in, response);
  if (broken == nullptr) broken = read_headers(in, headers, facts);
  if (broken == nullptr) broken = conclude(facts, asked, response);
  if (broken == nullptr) return response;
  return make_error(Code::upstream_malformed,
                    std::string{"The model server's answer is not valid HTTP: "} + broken + ".");
}

std::string_view find_header(std::span<const Header> headers, std::string_view name) {
  for (const Header& header : headers) {
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

std::size_t count_headers(std::span<const Header> headers, std::string_view name) {
  std::size_t count = 0;
  for (const Header& header : headers) {
    if (equals_ignoring_case(header.name, name)) ++count;
  }
  return count;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(Word); at += sizeof(Word)) {
    if (lower_case(load_word(text.data() + at)) != load_word(lower.data() + at)) return false;
  }
  for (; at < text.size(); ++at) {
    if (lower_case(text[at]) != lower[at]) return false;
  }
  return true;
}

}  // namespace intragate::net
