#include "config/endpoint_url.h"

#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

std::string taken_apart(std::string_view url) {
  Result<Endpoint> parsed = parse_endpoint_url(url);
  if (!parsed) return "refused: " + parsed.error().message + " | " + parsed.error().detail;
  return parsed->host + ' ' + std::to_string(parsed->port) + ' ' + parsed->host_header + ' ' + parsed->path;
}

TEST(EndpointUrl, ComesApart) {
  EXPECT_EQ(taken_apart("http://10.0.0.5:8000/v1"), "10.0.0.5 8000 10.0.0.5:8000 /v1");
  EXPECT_EQ(taken_apart("http://vLLM.internal/v1/"), "vllm.internal 80 vllm.internal /v1");
  EXPECT_EQ(taken_apart("http://[FD00::5]:8000"), "fd00::5 8000 [fd00::5]:8000 /v1");
  EXPECT_EQ(taken_apart("http://[::1]"), "::1 80 [::1] /v1");
  EXPECT_EQ(taken_apart("HTTP://model_server:80/openai/v1//"), "model_server 80 model_server /openai/v1");
  EXPECT_EQ(taken_apart("http://h./a%20b"), "h. 80 h. /a%20b");
}

TEST(EndpointUrl, ABaseWithoutAPathGetsV1) {
  EXPECT_EQ(taken_apart("http://h:1"), "h 1 h:1 /v1");
  EXPECT_EQ(taken_apart("http://h:1/"), "h 1 h:1 /v1");
  EXPECT_EQ(taken_apart("http://h:1/api"), "h 1 h:1 /api");
}

TEST(EndpointUrl, APastedCallIsAnsweredWithItsBase) {
  EXPECT_TRUE(contains(taken_apart("http://h:1/v1/chat/completions"), "did you mean `http://h:1/v1`?"));
  EXPECT_TRUE(contains(taken_apart("http://h/v1/chat/completions/"), "did you mean `http://h/v1`?"));
  EXPECT_TRUE(contains(taken_apart("http://h/v1/embeddings"), "did you mean `http://h/v1`?"));
  EXPECT_TRUE(contains(taken_apart("http://h/v1/models"), "did you mean `http://h/v1`?"));
  EXPECT_TRUE(contains(taken_apart("http://[::1]:8/completions"), "did you mean `http://[::1]:8`?"));
}

TEST(EndpointUrl, HttpsMeansTlsAndItsPort) {
  const Result<Endpoint> plain = parse_endpoint_url("https://models.corp/v1");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->tls);
  EXPECT_EQ(plain->port, 443);
  EXPECT_EQ(plain->host_header, "models.corp");
  EXPECT_EQ(parse_endpoint_url("https://h:80")->host_header, "h:80");
  EXPECT_FALSE(parse_endpoint_url("http://h")->tls);
  EXPECT_TRUE(contains(taken_apart("https://h:1/v1/chat/completions"), "did you mean `https://h:1/v1`?"));
}

TEST(EndpointUrl, GrpcChoosesItsDialect) {
  EXPECT_EQ(taken_apart("grpc://10.0.0.7:8001"), "10.0.0.7 8001 10.0.0.7:8001 /v1");
  EXPECT_EQ(parse_endpoint_url("grpc://h:1")->dialect, "triton-grpc");
  EXPECT_FALSE(parse_endpoint_url("grpc://h:1")->tls);
  EXPECT_TRUE(parse_endpoint_url("GRPCS://h:1")->tls);
  EXPECT_EQ(parse_endpoint_url("https://h:1")->dialect, "openai");
}

TEST(EndpointUrl, SaysWhatIsNotAvailable) {
  EXPECT_TRUE(contains(taken_apart("10.0.0.5:8000"), "did you mean `http://10.0.0.5:8000`?"));
  EXPECT_TRUE(contains(taken_apart("ftp://h"), "refused"));
}

TEST(EndpointUrl, RefusesWhatHasNoPlaceInIt) {
  for (const char* wrong : {"",
                            "http://",
                            "http:///v1",
                            "http://h?x=1",
                            "http://h/v1?x",
                            "http://h/#a",
                            "http://:80",
                            "http://h:0",
                            "http://h:65536",
                            "http://h:",
                            "http://h:8x",
                            "http://h:000080",
                            "http://a b",
                            "http://h/a b",
                            "http://-h",
                            "http://h-",
                            "http://a..b",
                            "http://.",
                            "http://[::1",
                            "http://::1",
                            "http://[::1]x",
                            "http://[10.0.0.1]",
                            "http://[fe80::1%25eth0]",
                            "http://10.1",
                            "http://010.0.0.1",
                            "http://127.0.0.0x1",
                            "http://1.2.3.4.5",
                            "http://256.0.0.1",
                            "http://h\\x",
                            "http://h/\"",
                            "http://ü",
                            "http://h/ü"}) {
    EXPECT_TRUE(contains(taken_apart(wrong), "refused: ")) << wrong << " → " << taken_apart(wrong);
  }
  EXPECT_TRUE(contains(taken_apart("http://" + std::string(300, 'a')), "refused: "));
  EXPECT_TRUE(contains(taken_apart("http://h/" + std::string(3000, 'a')), "refused: "));
}

TEST(EndpointUrl, RefusesCredentialsWithoutRepeatingThem) {
  for (const char* url : {"http://user:hunter2@h/v1", "http://hunter2@h", "user:hunter2@h"}) {
    EXPECT_TRUE(contains(taken_apart(url), "refused: ")) << url;
  }
  EXPECT_FALSE(contains(taken_apart("http://user:hunter2@h/v1"), "hunter2"));
}

}  // namespace
}  // namespace intragate::config
