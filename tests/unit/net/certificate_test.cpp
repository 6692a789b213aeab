#include "net/certificate.h"

#include <gtest/gtest.h>

#include "net/tls.h"

namespace intragate::net {
namespace {

// Made with: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=Corp, Ltd/CN=dify" -addext
// "subjectAltName=DNS:dify.corp,IP:10.0.0.7,IP:fd00::1,email:a@corp,URI:spiffe://corp/dify"
constexpr std::string_view kCertificate = R"(-----BEGIN CERTIFICATE-----
MIIB5zCCAY2gAwIBAgIULUTQ0i8qVJEhhEvMk5mgy7G8UfowCgYIKoZIzj0EAwIw
IzESMBAGA1UECgwJQ29ycCwgTHRkMQ0wCwYDVQQDDARkaWZ5MB4XDTI2MTEyODEz
MTAyNVoXDTI5MDgyNDEzMTAyNVowIzESMBAGA1UECgwJQ29ycCwgTHRkMQ0wCwYD
VQQDDARkaWZ5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEB251TBrVQimTTq01
AHMkt4/VHAiH998iXkZE5SOXYaXkrXNVjAqBZzbZq4TRCAWksS4ovQNtB9BfvnVN
+DplqaOBnjCBmzAdBgNVHQ4EFgQUB+c+k+AmRVD+dgtAICUzRr2dlnMwHwYDVR0j
BBgwFoAUB+c+k+AmRVD+dgtAICUzRr2dlnMwDwYDVR0TAQH/BAUwAwEB/zBIBgNV
HREEQTA/gglkaWZ5LmNvcnCHBAoAAAeHEP0AAAAAAAAAAAAAAAAAAAGBBmFAY29y
cIYSc3BpZmZlOi8vY29ycC9kaWZ5MAoGCCqGSM49BAMCA0gAMEUCIQDD+zvPnmOW
BV849G+50wmLoGQUQ4JNzRDV82GGqkDb1gIgThXhKcH2nyLAwtX9VZ4lHMmuKX1w
n0X9SM8VmctLkSk=
-----END CERTIFICATE-----
)";

TEST(Certificate, SaysWhoItsHolderIs) {
  const Result<Certificate> read = read_certificate(kCertificate);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subject, "CN=dify,O=Corp\\, Ltd");
  EXPECT_EQ(read->common_name, "dify");
  EXPECT_EQ(read->names, (std::vector<std::string>{"dify.corp", "10.0.0.7", "fd00::1", "a@corp"}));
  EXPECT_EQ(read->uris, (std::vector<std::string>{"spiffe://corp/dify"}));
  EXPECT_EQ(read->not_after - read->not_before, std::chrono::hours{24 * 1000});
}

TEST(Certificate, WhatIsNoCertificateIsAnError) {
  EXPECT_FALSE(read_certificate(""));
  EXPECT_FALSE(read_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  EXPECT_FALSE(read_certificate(kCertificate.substr(0, 300)));
}

TEST(TlsContext, RefusesWhatDoesNotFitTogether) {
  EXPECT_FALSE(TlsContext::server({.certificate = kCertificate, .key = "", .client_ca = {}, .crl = {}}));
  EXPECT_FALSE(TlsContext::client({.ca = "no PEM", .certificate = {}, .key = {}, .name = "h"}));
  EXPECT_TRUE(TlsContext::client({.ca = kCertificate, .certificate = {}, .key = {}, .name = "h"}));
}

}  // namespace
}  // namespace intragate::net
