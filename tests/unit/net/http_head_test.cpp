// Promises of the head parser: what it understands, and that everything request smuggling lives on is refused.
#include "net/http_head.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::net {
namespace {

using namespace std::string_literals;

constexpr std::string_view kPlain =
    "POST /v1/chat/completions?x=1 HTTP/1.1\r\n"
    "Host: gateway.example:8080\r\n"
    "User-Agent:\t python-requests/2.32 \t\r\n"
    "Content-Length: 42\r\n"
    "\r\n";

Result<RequestHead> request(std::string_view head) {
  static std::vector<Header> headers;
  return parse_request_head(head, headers);
}

// A request with these header lines (each with its line end) behind Host.
Result<RequestHead> request_with(const std::string& lines) {
  return request("POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
}

Result<ResponseHead> response(std::string_view head, Asked asked = Asked::with_body) {
  static std::vector<Header> headers;
  return parse_response_head(head, headers, asked);
}

// Empty when the head was refused for a reason that has these words in it; else what happened instead.
template <class Head>
std::string not_refused(const Result<Head>& result, Code code, std::string_view words) {
  if (result) return "accepted";
  if (result.error().code != code) return "another code";
  return result.error().message.find(words) == std::string::npos ? result.error().message : "";
}

void expect_refused(const Result<RequestHead>& result, std::string_view words) {
  EXPECT_EQ(not_refused(result, Code::malformed_request, words), "");
}

void expect_refused(const Result<ResponseHead>& result, std::string_view words) {
  EXPECT_EQ(not_refused(result, Code::upstream_malformed, words), "");
}

// --- where a head ends

TEST(HeadEndTest, IsFoundHoweverTheBytesCome) {
  const std::string bytes = std::string{kPlain} + "{\"body\": \"\n\0\"}";
  HeadEnd end;
  for (std::size_t size = 0; size < kPlain.size(); ++size) {
    end = find_head_end(bytes.substr(0, size), end.scanned);
    ASSERT_EQ(end.state, HeadEnd::State::incomplete) << size;
    ASSERT_LE(end.scanned, size);
  }
  end = find_head_end(bytes, end.scanned);
  EXPECT_EQ(end.state, HeadEnd::State::complete);
  EXPECT_EQ(end.size, kPlain.size());
}

TEST(HeadEndTest, LooksAtNoByteBehindTheHead) {
  const std::string bytes = std::string{kPlain} + "\n\0\n"s;
  EXPECT_EQ(find_head_end(bytes).size, kPlain.size());
}

TEST(HeadEndTest, CountsOneLeadingEmptyLineAndRefusesASecond) {
  EXPECT_EQ(find_head_end("\r\nGET / HTTP/1.1\r\n\r\n").size, 20U);
  EXPECT_EQ(find_head_end("\r\n").state, HeadEnd::State::incomplete);
  EXPECT_EQ(find_head_end("\r\n\r\n").state, HeadEnd::State::bad);
  EXPECT_EQ(find_head_end("\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2).state, HeadEnd::State::bad);
}

TEST(HeadEndTest, RefusesBareLineFeedsAndNulsAtOnce) {
  for (const std::string& bytes : {"\n"s, "GET / HTTP/1.1\n"s, "GET / HTTP/1.1\r\nHost: a\n"s, "\r\n\n"s, "GET\0"s,
                                   "\0"s, "GET / HTTP/1.1\r\nA: \0b\r\n\r\n"s, "\x16\x03\x01\x02\x00\x01"s}) {
    EXPECT_EQ(find_head_end(bytes).state, HeadEnd::State::bad) << bytes;
  }
}

// --- requests

TEST(RequestHeadTest, IsTakenApartIntoViewsOfItsBytes) {
  std::vector<Header> headers{{.name = "left", .value = "over"}};
  const Result<RequestHead> head = parse_request_head(kPlain, headers);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/v1/chat/completions?x=1");
  EXPECT_EQ(head->minor_version, 1);
  EXPECT_EQ(head->framing, Framing::length);
  EXPECT_EQ(head->content_length, 42U);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_EQ(head->expect, Expect::nothing);
  ASSERT_EQ(headers.size(), 3U);
  EXPECT_EQ(headers[1].name, "User-Agent");
  EXPECT_EQ(headers[1].value, "python-requests/2.32");
  EXPECT_GE(headers[1].value.data(), kPlain.data());
  EXPECT_LT(headers[1].value.data(), kPlain.data() + kPlain.size());
}

TEST(RequestHeadTest, TakesEveryFormOfTarget) {
  for (const std::string target : {"/", "*", "/%20?a=b&c=[]|\"", "http://gateway/v1/models", "HTTPS://a/", "//x"}) {
    const std::string bytes = "OPTIONS " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    const Result<RequestHead> head = request(bytes);
    ASSERT_TRUE(head) << target;
    EXPECT_EQ(head->target, target);
  }
}

TEST(RequestHeadTest, RefusesBrokenRequestLines) {
  for (const std::string& line : {""s,
                                  " / HTTP/1.1"s,
                                  "GET"s,
                                  "GET /"s,
                                  "GET / "s,
                                  "GET  / HTTP/1.1"s,
                                  "GET /  HTTP/1.1"s,
                                  "GET\t/ HTTP/1.1"s,
                                  " GET / HTTP/1.1"s,
                                  "GET / HTTP/1.1 "s,
                                  "GET / HTTP/1.2"s,
                                  "GET / HTTP/2.0"s,
                                  "GET / HTTP/0.9"s,
                                  "GET / http/1.1"s,
                                  "GET / HTTP/1.1\r"s,
                                  "GET / HTTP/1.10"s,
                                  "GET / HTTP/01.1"s,
                                  "GE(T / HTTP/1.1"s,
                                  "G\x80T / HTTP/1.1"s,
                                  "GET /a b HTTP/1.1"s,
                                  "GET /\x80 HTTP/1.1"s,
                                  "GET /\x7f HTTP/1.1"s,
                                  "GET /\x01 HTTP/1.1"s,
                                  "GET /a\tb HTTP/1.1"s,
                                  "GET /a\0b HTTP/1.1"s,
                                  "GET /a#b HTTP/1.1"s,
                                  "GET a HTTP/1.1"s,
                                  "GET *a HTTP/1.1"s,
                                  "CONNECT a:443 HTTP/1.1"s,
                                  "GET http:// HTTP/1.1"s,
                                  "GET ftp://a/ HTTP/1.1"s,
                                  "PRI * HTTP/2.0"s,
                                  std::string(33, 'A') + " / HTTP/1.1"}) {
    const Result<RequestHead> head = request(line + "\r\nHost: a\r\n\r\n");
    ASSERT_FALSE(head) << line;
    EXPECT_EQ(head.error().code, Code::malformed_request);
  }
  EXPECT_TRUE(request(std::string(32, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n"));
}

TEST(RequestHeadTest, RefusesBrokenHeaderLines) {
  for (const std::string& line : {"A : b"s, " A: b"s, "\tA: b"s, ": b"s, "A"s, "A b"s, "A:\0b"s, "A: b\rc"s, "A: b\nc"s,
                                  "A: \x01"s, "A: b\x7f"s, "A: 12345678\x1f"s, "A\x80: b"s, "A\0: b"s, "A(: b"s,
                                  "A: b\r"s, "A: b\r\n folded"s, "A: b\r\n\tfolded"s, "\r"s}) {
    expect_refused(request_with(line + "\r\n"), "header");
  }
}

TEST(RequestHeadTest, KeepsOddButLegalValues) {
  const std::string head =
      "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB: \t \r\nC:c\x80\xff d\te  \r\n!#$%&'*+-.^_`|~09: x:y\r\n\r\n";
  std::vector<Header> headers;
  ASSERT_TRUE(parse_request_head(head, headers));
  ASSERT_EQ(headers.size(), 5U);
  EXPECT_EQ(headers[1].value, "");
  EXPECT_EQ(headers[2].value, "");
  EXPECT_EQ(headers[3].value, "c\x80\xff d\te");
  EXPECT_EQ(headers[4].value, "x:y");
}

TEST(RequestHeadTest, FindsAForbiddenByteAtEveryPlaceOfAValue) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string value(size, 'v');
      value[at] = '\t';
      EXPECT_TRUE(request_with("A: " + value + "\r\n"));
      value[at] = '\x7f';
      EXPECT_FALSE(request_with("A: " + value + "\r\n"));
      value[at] = '\x0b';
      EXPECT_FALSE(request_with("A: " + value + "\r\n"));
    }
  }
}

TEST(RequestHeadTest, MustEndWithItsEmptyLineAndNothingBehind) {
  for (std::size_t size = 0; size < kPlain.size(); ++size) EXPECT_FALSE(request(kPlain.substr(0, size))) << size;
  expect_refused(request(std::string{kPlain} + "x"), "bytes follow");
  EXPECT_TRUE(request("\r\n" + std::string{kPlain}));
  EXPECT_FALSE(request("\r\n\r\n" + std::string{kPlain}));
}

TEST(RequestHeadTest, TakesAHundredHeadersAndNoMore) {
  std::string lines;
  for (std::size_t i = 1; i < kMaxHeaders; ++i) lines += "A: b\r\n";
  EXPECT_TRUE(request_with(lines));
  expect_refused(request_with(lines + "A: b\r\n"), "100 headers");
}

TEST(RequestHeadTest, NeedsExactlyOneHost) {
  expect_refused(request("GET / HTTP/1.1\r\n\r\n"), "Host is missing");
  expect_refused(request_with("host: a\r\n"), "more than once");
  EXPECT_TRUE(request("GET / HTTP/1.0\r\n\r\n"));
  expect_refused(request("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), "more than once");
  for (const std::string host : {"a b", "a,b", "a/b", "user@a", "a\\b", "\x80", "a\tb", "<a>"}) {
    expect_refused(request("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), "Host holds");
  }
  for (const std::string host : {"", "a", "10.0.0.1:8080", "[::1]:80", "my_model.local", "[fe80::1%25eth0]"}) {
    EXPECT_TRUE(request("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")) << host;
  }
}

TEST(RequestHeadTest, RefusesBothLengthHeaders) {
  expect_refused(request_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "both given");
  expect_refused(request_with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), "both given");
}

TEST(RequestHeadTest, RefusesEveryDoubtfulLength) {
  for (const std::string value :
       {"", "\t5", "5\t", "+5", "-5", " 5 5", "5, 5", "5,5", "5,", "0x5", "5a", "5.0", "1_000", "5 ;",
        "1234567890123456789", "99999999999999999999999999", "\x80", "five"}) {
    expect_refused(request_with("Content-Length: " + value + "\r\n"), "Content-Length");
  }
  expect_refused(request_with("Content-Length: 5\r\nContent-Length: 5\r\n"), "more than once");
  expect_refused(request_with("Content-Length: 5\r\ncontent-LENGTH: 6\r\n"), "more than once");
}

TEST(RequestHeadTest, UnderstandsLengths) {
  EXPECT_EQ(request_with("CONTENT-length: 999999999999999999\r\n")->content_length, 999999999999999999U);
  EXPECT_EQ(request_with("Content-Length: 007\r\n")->content_length, 7U);
  EXPECT_EQ(request_with("Content-Length:  5 \r\n")->framing, Framing::length);
  EXPECT_EQ(request_with("Content-Length: 0\r\n")->framing, Framing::none);
  EXPECT_EQ(request_with("")->framing, Framing::none);
}

TEST(RequestHeadTest, TakesExactlyChunkedAndNoOtherCoding) {
  EXPECT_EQ(request_with("Transfer-Encoding: chunked\r\n")->framing, Framing::chunked);
  EXPECT_EQ(request_with("transfer-encoding:ChUnKeD \r\n")->framing, Framing::chunked);
  for (const std::string value :
       {"", "gzip", "gzip, chunked", "chunked, gzip", "chunked,", ", chunked", "chunked;q=1", "\"chunked\"", "xchunked",
        "chunked\x80", "identity", "chun ked", "chunked, chunked"}) {
    expect_refused(request_with("Transfer-Encoding: " + value + "\r\n"), "Transfer-Encoding");
  }
  expect_refused(request_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "more than once");
  expect_refused(request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "HTTP/1.0");
}

TEST(RequestHeadTest, ReadsConnectionAsAList) {
  const auto stays = [](const std::string& version, const std::string& lines) {
    return request("GET / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n")->keep_alive;
  };
  EXPECT_TRUE(stays("1.1", ""));
  EXPECT_FALSE(stays("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(stays("1.1", "Connection: TE ,\tCLOSE\r\n"));
  EXPECT_FALSE(stays("1.1", "connection: keep-alive\r\nConnection: close\r\n"));
  EXPECT_FALSE(stays("1.1", "Connection: close, keep-alive\r\n"));
  EXPECT_TRUE(stays("1.1", "Connection: closed, not close\r\n"));
  EXPECT_TRUE(stays("1.1", "Connection: ,,\r\n"));
  EXPECT_FALSE(stays("1.0", ""));
  EXPECT_TRUE(stays("1.0", "Connection: x, Keep-Alive\r\n"));
  EXPECT_FALSE(stays("1.0", "Connection: keep-alive, close\r\n"));
}

TEST(RequestHeadTest, UnderstandsExpect) {
  EXPECT_EQ(request_with("Expect: 100-Continue\r\n")->expect, Expect::continue_100);
  EXPECT_EQ(request_with("Expect: 200-ok\r\n")->expect, Expect::unknown);
  EXPECT_EQ(request_with("Expect:\r\n")->expect, Expect::unknown);
  EXPECT_EQ(request_with("Expect: tea\r\nExpect: 100-continue\r\n")->expect, Expect::unknown);
  EXPECT_EQ(request_with("Expect: 100-continue\r\nExpect: tea\r\n")->expect, Expect::unknown);
  EXPECT_EQ(request("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")->expect, Expect::nothing);
}

TEST(RequestHeadTest, ErrorsNeverRepeatTheBytes) {
  const Result<RequestHead> head = request_with("Secret-Name : secret-value\r\n");
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().message.find("ecret"), std::string::npos);
}

// --- responses

TEST(ResponseHeadTest, IsTakenApart) {
  std::vector<Header> headers;
  const Result<ResponseHead> head = parse_response_head(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", headers);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->framing, Framing::chunked);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_EQ(find_header(headers, "content-type"), "text/event-stream");
}

TEST(ResponseHeadTest, TakesAnyReasonPhraseOrNone) {
  for (const std::string line : {"HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 \xE5\xA5\xBD", "HTTP/1.0 599 a\tb  "}) {
    EXPECT_TRUE(response(line + "\r\n\r\n")) << line;
  }
}

TEST(ResponseHeadTest, RefusesBrokenStatusLines) {
  for (const std::string& line :
       {""s, "HTTP/1.1"s, "HTTP/1.1 "s, "HTTP/1.1 20"s, "HTTP/1.1 2000"s, "HTTP/1.1 2x0"s, "HTTP/1.1  200"s,
        "HTTP/1.1 200OK"s, "HTTP/2 200 OK"s, "HTTP/1.2 200 OK"s, "HTTP/1.1 099"s, "HTTP/1.1 600"s,
        "HTTP/1.1 101 Switch"s, "HTTP/1.1 200 O\rK"s, "HTTP/1.1 200 O\x01K"s, "HTTP/1.1 200 O\0K"s,
        "\r\nHTTP/1.1 200 OK"s, "ICY 200 OK"s}) {
    expect_refused(response(line + "\r\n\r\n"), "HTTP");
  }
}

TEST(ResponseHeadTest, KnowsHowFarItsBodyGoes) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")->content_length, 7U);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")->framing, Framing::length);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")->framing, Framing::none);
  const Result<ResponseHead> endless = response("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(endless->framing, Framing::until_close);
  EXPECT_FALSE(endless->keep_alive);
}

TEST(ResponseHeadTest, HasNoBodyWhereTheRuleSaysSo) {
  for (const std::string head : {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
                                 "HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 304 Same\r\n\r\n"}) {
    ASSERT_TRUE(response(head)) << head;
    EXPECT_EQ(response(head)->framing, Framing::none);
    EXPECT_TRUE(response(head)->keep_alive);
  }
  const Result<ResponseHead> asked_head = response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", Asked::head_only);
  EXPECT_EQ(asked_head->framing, Framing::none);
  EXPECT_EQ(asked_head->content_length, 7U);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Asked::head_only)->framing,
            Framing::none);
}

TEST(ResponseHeadTest, RefusesWhatAnsweringSmugglersLiveOn) {
  expect_refused(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"), "more than once");
  expect_refused(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), "both");
  expect_refused(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), "Transfer-Encoding");
  expect_refused(response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), "HTTP/1.0");
  expect_refused(response("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"), "there can be none");
  expect_refused(response("HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n"), "there can be none");
  expect_refused(response("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n"), "header");
}

TEST(ResponseHeadTest, KeepsTheConnectionByVersionAndOption) {
  EXPECT_FALSE(response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n")->keep_alive);
  EXPECT_FALSE(response("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n")->keep_alive);
  EXPECT_TRUE(response("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n")->keep_alive);
}

// --- looking headers up

TEST(HeadersTest, AreFoundWhateverTheirCase) {
  const std::vector<Header> headers{
      {.name = "X-A", .value = "1"}, {.name = "x-a", .value = "2"}, {.name = "@", .value = ""}};
  EXPECT_EQ(find_header(headers, "x-a"), "1");
  EXPECT_EQ(count_headers(headers, "x-a"), 2U);
  EXPECT_EQ(find_header(headers, "x-b"), "");
  EXPECT_FALSE(equals_ignoring_case("@", "`"));  // differ by the bit that tells letters' cases apart
  EXPECT_FALSE(equals_ignoring_case("ab", "abc"));
}

}  // namespace
}  // namespace intragate::net
