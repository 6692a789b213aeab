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

TEST_F(SecretFiles, AreRefusedWhenEveryUserCanWriteThem) {
  write("s", "s3cret");
  const auto with = [&](unsigned mode) {
    std::filesystem::permissions(folder_ / "s", std::filesystem::perms{mode});
    return secret("file:s");
  };
  EXPECT_TRUE(contains(with(0602), "can be written by every user"));
  EXPECT_EQ(with(0644), "s3cret") << "as Kubernetes mounts them: a remark only";
  EXPECT_TRUE(exposure_remark((folder_ / "s").string()));
  EXPECT_EQ(with(0660), "s3cret");
  EXPECT_FALSE(exposure_remark((folder_ / "s").string()));
  EXPECT_FALSE(exposure_remark((folder_ / "missing").string()));
}

TEST_F(SecretFiles, ThatEveryUserCanReadAreRemarked) {
  write("key", "test-key-of-a-file");
  write("c.yaml", "keys: [{name: a, key: \"file:key\"}]\n" + std::string{kOneModel});
  const auto warnings = [&](const std::string& name, unsigned mode) {
    std::filesystem::permissions(folder_ / name, std::filesystem::perms{mode});
    return all_warnings(load_file((folder_ / "c.yaml").string(), {}, fake_hash));
  };
  EXPECT_EQ(warnings("key", 0640), "") << "the configuration itself holds none";
  EXPECT_TRUE(contains(warnings("key", 0644), "`keys[0].key`: "));
  EXPECT_TRUE(contains(warnings("key", 0644), "key` holds a secret and every user can read it"));
  write("c.yaml", "keys: [{name: a, key: test-key-in-the-text}]\n" + std::string{kOneModel});
  EXPECT_EQ(warnings("c.yaml", 0640), "");
  EXPECT_TRUE(contains(warnings("c.yaml", 0644), "c.yaml` holds a secret and every user can read it"));
  EXPECT_FALSE(contains(warnings("c.yaml", 0644), "test-key"));
}

TEST_F(SecretFiles, OfTheQuickStartAreRemarkedToo) {
  const std::string text = "CUSTOM_MODEL_API_BASE=http://10.0.0.1\nINTRAGATE_API_KEY=test-key-of-dotenv\n";
  write(".env", text);
  const std::string file = (folder_ / ".env").string();
  const auto warnings = [&](unsigned mode, const Environment& environment) {
    std::filesystem::permissions(file, std::filesystem::perms{mode});
    return all_warnings(load_environment(environment, text, file, fake_hash));
  };
  EXPECT_FALSE(contains(warnings(0600, {}), "every user"));
  EXPECT_TRUE(contains(warnings(0644, {}), "INTRAGATE_API_KEY: "));
  EXPECT_FALSE(contains(warnings(0644, {{"INTRAGATE_API_KEY", "test-key-of-environment"}}), "every user"));
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
