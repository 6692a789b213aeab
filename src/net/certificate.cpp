#include "net/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/address.h"
#include "net/digest.h"
#include "net/openssl_handles.h"

namespace intragate::net {
namespace {

std::string text_of(const ASN1_STRING* string) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(string));
  return {data, static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string subject_of(const X509* certificate) {
  const BioHandle out{BIO_new(BIO_s_mem())};
  // Control characters and whatever else could break a line of the record are escaped.
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string{data, static_cast<std::size_t>(size)} : std::string{};
}

std::string common_name_of(const X509* certificate) {
  const X509_NAME* name = X509_get_subject_name(certificate);
  const int first = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (first < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, first) >= 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, first)));
  if (size < 0) return {};
  std::string text{reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)};
  OPENSSL_free(utf8);
  return text;
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  const std::string raw = text_of(bytes);
  if (raw.size() == 4) {
    std::array<std::uint8_t, 4> v4{};
    std::copy(raw.begin(), raw.end(), v4.begin());
    return IpAddress::v4(v4).text();
  }
  if (raw.size() != 16) return {};
  std::string hex;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto byte = static_cast<unsigned char>(raw[i]);
    if (i > 0 && i % 2 == 0) hex += ':';
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  const Result<IpAddress> ip = IpAddress::parse(hex);
  return ip ? ip->text() : std::string{};
}

void read_alternative_names(const X509* certificate, Certificate& into) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    if (type == GEN_URI) into.uris.push_back(text_of(static_cast<const ASN1_STRING*>(value)));
    if (type == GEN_DNS || type == GEN_EMAIL) into.names.push_back(text_of(static_cast<const ASN1_STRING*>(value)));
    if (type == GEN_IPADD) into.names.push_back(address_text(static_cast<const ASN1_OCTET_STRING*>(value)));
  }
  GENERAL_NAMES_free(names);
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  // Dates beyond what nanoseconds can say ("99991231235959Z" means never) stay at the latest moment there is.
  constexpr std::time_t kLatest = 9'000'000'000;
  return std::chrono::system_clock::from_time_t(std::min(::timegm(&parts), kLatest));
}

Result<CertificateHandle> first_of(std::string_view pem) {
  const BioHandle in = reader_of(pem);
  CertificateHandle certificate{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
  if (certificate == nullptr) {
    return make_error(Code::invalid_configuration, "holds no certificate in PEM form (" + openssl_reason() + ")");
  }
  return certificate;
}

}  // namespace

Certificate describe_certificate(const X509& certificate) {
  Certificate facts;
  facts.subject = subject_of(&certificate);
  facts.common_name = common_name_of(&certificate);
  read_alternative_names(&certificate, facts);
  facts.not_before = time_of(X509_get0_notBefore(&certificate));
  facts.not_after = time_of(X509_get0_notAfter(&certificate));
  return facts;
}

Result<Certificate> read_certificate(std::string_view pem) {
  Result<CertificateHandle> certificate = first_of(pem);
  if (!certificate) return std::move(certificate).error();
  return describe_certificate(**certificate);
}

std::vector<WallTime> certificate_ends(std::string_view pem) {
  std::vector<WallTime> ends;
  const BioHandle in = reader_of(pem);
  while (true) {
    const CertificateHandle next{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
    if (next == nullptr) break;
    ends.push_back(time_of(X509_get0_notAfter(next.get())));
  }
  ERR_clear_error();
  return ends;
}

std::vector<WallTime> revocation_list_ends(std::string_view pem) {
  std::vector<WallTime> ends;
  const BioHandle in = reader_of(pem);
  while (true) {
    const CrlHandle next{PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)};
    if (next == nullptr) break;
    const ASN1_TIME* const end = X509_CRL_get0_nextUpdate(next.get());
    if (end != nullptr) ends.push_back(time_of(end));
  }
  ERR_clear_error();
  return ends;
}

std::string public_key_pin(const X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  if (size <= 0) return {};
  std::string digest = sha256_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

Result<std::string> public_key_pin(std::string_view pem) {
  Result<CertificateHandle> certificate = first_of(pem);
  if (!certificate) return std::move(certificate).error();
  return public_key_pin(**certificate);
}

}  // namespace intragate::net
