#include "config/references.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "loading.h"

namespace intragate::config {
namespace {

const Environment kVariables{{"A", "one"}, {"B_2", "two"}, {"EMPTY", ""}, {"DOLLAR", "$"}, {"NESTED", "${A}"}};

std::string expanded(std::string_view text) {
  Result<std::string> result = expand(text, kVariables);
  return result ? *result : "refused: " + result.error().message;
}

TEST(Expand, ReplacesVariables) {
  EXPECT_EQ(expanded("plain"), "plain");
  EXPECT_EQ(expanded("${A}"), "one");
  EXPECT_EQ(expanded("x${A}-${B_2}y"), "xone-twoy");
  EXPECT_EQ(expanded("${EMPTY}"), "");
  EXPECT_EQ(expanded("$A $ {A} 5$"), "$A $ {A} 5$");
}

TEST(Expand, DoesNotLookAtWhatItPutIn) {
  EXPECT_EQ(expanded("${NESTED}"), "${A}");
  EXPECT_EQ(expanded("${DOLLAR}${A}"), "$one");
}

TEST(Expand, TwoSignsStandForOne) {
  EXPECT_EQ(expanded("$${A}"), "${A}");
  EXPECT_EQ(expanded("$${A}${A}"), "${A}one");
}

TEST(Expand, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(expanded("${MISSING}"), "refused: the environment variable `MISSING` is not set");
  for (const char* wrong : {"${", "${A", "${}", "${A:-x}", "${1A}", "${A B}", "${${A}}"}) {
    EXPECT_TRUE(contains(expanded(wrong), "refused: ")) << wrong;
  }
}

TEST(Expand, StaysWithinItsBounds) {
  const Environment large{{"L", std::string(10'000, 'x')}};
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "${L}";
  EXPECT_FALSE(expand(many, large));
  EXPECT_TRUE(expand("${L}${L}", large));
}

class SecretFiles : public testing::Test {
 protected:
  void SetUp() override { folder_ = make_folder("secret-files"); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream{folder_ / name, std::ios::binary} << text;
  }
  [[nodiscard]] std::string secret(std::string_view value) const {
    Result<Secret> read = read_secret(value, folder_.string());
    return read ? read->reveal() : "refused: " + read.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(SecretFiles, ComeWithoutTheirLastLineEnd) {
  write("plain", "s3cret");
  write("line", "s3cret\n");
  write("windows", "s3cret\r\n");
  write("two", "s3cret\n\n");
  EXPECT_EQ(secret("file:plain"), "s3cret");
  EXPECT_EQ(secret("file:line"), "s3cret");
  EXPECT_EQ(secret("file:windows"), "s3cret");
  EXPECT_EQ(secret("file:two"), "s3cret\n");
  EXPECT_EQ(secret("file:" + (folder_ / "line").string()), "s3cret");
  EXPECT_EQ(secret("s3cret"), "s3cret");
}

TEST_F(SecretFiles, AreRefusedWhenTheyCannotBeSecrets) {
  write("empty", "\n");
  write("large", std::string(kLongestValue + 1, 'x'));
  EXPECT_TRUE(contains(secret("file:empty"), "refused: "));
  EXPECT_TRUE(contains(secret("file:large"), "larger than 64 KiB"));
  EXPECT_TRUE(contains(secret("file:missing"), "does not exist"));
  EXPECT_TRUE(contains(secret("file:."), "is not a file"));
  EXPECT_TRUE(contains(secret("file:/dev/zero"), "is not a file"));
  EXPECT_TRUE(contains(secret(""), "the secret is empty"));
}

TEST(Resolve, RelativePathsBeginAtTheFolder) {
  EXPECT_EQ(resolve("/etc/intragate", "./data"), "/etc/intragate/data");
  EXPECT_EQ(resolve("/etc/intragate", "/var/lib"), "/var/lib");
  EXPECT_EQ(resolve("conf", "data"), "conf/data");
  EXPECT_EQ(resolve("", "./data"), "./data");
}

}  // namespace
}  // namespace intragate::config
