#include "app/pki_index.h"

#include <gtest/gtest.h>

namespace intragate::app {
namespace {

PkiIndex sample() {
  PkiIndex index;
  index.list_number = 7;
  PkiEntry entry;
  entry.serial = "40112233445566778899aabbccddeeff";
  entry.name = "dify-1.bank_a";
  entry.purpose = net::Purpose::client;
  entry.key = net::KeyType::rsa;
  entry.issued = WallTime{std::chrono::seconds{1'700'000'000}};
  entry.expires = WallTime{std::chrono::seconds{1'800'000'000}};
  entry.names = {"DNS:a.example", "IP:::1", "URI:spiffe://bank.example/dify"};
  index.entries.push_back(entry);
  entry.serial[1] = '1';
  entry.current = false;
  entry.names.clear();
  entry.revoked = WallTime{std::chrono::seconds{1'750'000'000}};
  entry.reason = net::RevocationReason::key_compromise;
  index.entries.push_back(entry);
  return index;
}

TEST(PkiIndex, ReadsWhatItWrote) {
  const std::string text = index_text(sample());
  Result<PkiIndex> read = parse_index(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(index_text(*read), text);
  EXPECT_EQ(read->list_number, 7U);
  ASSERT_EQ(read->entries.size(), 2U);
  EXPECT_EQ(read->entries[0].names.size(), 3U);
  EXPECT_EQ(read->entries[1].reason, net::RevocationReason::key_compromise);
  EXPECT_EQ(read->current("dify-1.bank_a"), read->entries.data());
  EXPECT_EQ(read->current("nobody"), nullptr);
}

TEST(PkiIndex, NoDamageIsOverlooked) {
  const std::string text = index_text(sample());
  const std::size_t rows = text.find("40112233");
  for (std::size_t at = rows; at < text.size(); ++at) {
    EXPECT_FALSE(parse_index(text.substr(0, at)) && text[at - 1] != '\n') << "cut at " << at;
    std::string damaged = text;
    damaged[at] = '\0';
    EXPECT_FALSE(parse_index(damaged) && index_text(*parse_index(damaged)) == text) << "at " << at;
  }
}

TEST(PkiIndex, TwoInUseUnderOneNameAreAnError) {
  PkiIndex index = sample();
  index.entries[1].current = true;
  EXPECT_FALSE(parse_index(index_text(index)));
}

TEST(PkiIndex, NamesAreSafeAsFilesAndArguments) {
  for (const char* good : {"a", "gateway", "gpu-1.room_2", "A9", "_x"}) EXPECT_TRUE(is_pki_name(good)) << good;
  for (const char* bad : {"", ".", "..", ".x", "-x", "a/b", "a b", "a\tb", "a\nb", "ü", "a,b"}) {
    EXPECT_FALSE(is_pki_name(bad)) << bad;
  }
  EXPECT_FALSE(is_pki_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace intragate::app
