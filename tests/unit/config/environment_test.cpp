// The quick start by variables.
#include <gtest/gtest.h>

#include "config/key_table.h"
#include "config/quick_start.h"
#include "loading.h"

namespace intragate::config {
namespace {

constexpr std::string_view kBase = "CUSTOM_MODEL_API_BASE=http://192.168.1.100:8080\n";

Loaded load_dotenv(std::string_view dotenv, const Environment& environment = {}) {
  return load_environment(environment, dotenv, ".env", fake_hash);
}
Loaded load_with(std::string_view line) {
  return load_dotenv(std::string{kBase} + std::string{line});
}

TEST(QuickStart, ReadsTheDesignsExample) {
  const Loaded loaded = load_dotenv(
      "MODEL_PROVIDER=custom\n"
      "CUSTOM_MODEL_API_BASE=http://192.168.1.100:8080      # with or without /v1\n"
      "CUSTOM_MODEL_AUTH_TYPE=bearer                        # bearer | basic | none | header:NAME\n"
      "CUSTOM_MODEL_API_KEY=your-internal-token\n"
      "MODEL_REQUEST_TIMEOUT=30000                          # milliseconds until the first byte\n"
      "STREAM_RESPONSE_BUFFER_SIZE=8192                     # bytes held before a slow client pauses the model\n"
      "INTRAGATE_LISTEN=0.0.0.0:9000\n"
      "INTRAGATE_ADMIN_LISTEN=127.0.0.1:0\n"
      "INTRAGATE_API_KEY=sk-11111\n"
      "INTRAGATE_DATA_DIR=./elsewhere\n");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  const Config& config = loaded.config;
  EXPECT_EQ(config.source, "environment");
  ASSERT_EQ(config.listen.size(), 1U);
  EXPECT_EQ(config.listen[0].address.text(), "0.0.0.0:9000");
  EXPECT_EQ(config.listen[0].allow, AddressList::private_ranges());
  EXPECT_EQ(config.admin.address.text(), "127.0.0.1:0");
  EXPECT_FALSE(config.admin.address_is_default);
  EXPECT_EQ(config.data_dir, "./elsewhere");
  EXPECT_EQ(config.egress, AddressList::private_ranges());
  ASSERT_EQ(config.models.size(), 1U);
  const Model& model = config.models[0];
  EXPECT_EQ(model.name, "*");
  EXPECT_EQ(model.timeouts.first_byte, 30s);
  EXPECT_EQ(model.first_byte_key, "MODEL_REQUEST_TIMEOUT");
  EXPECT_EQ(model.stream_buffer, 8 * kKiB);
  ASSERT_EQ(model.endpoints.size(), 1U);
  EXPECT_EQ(model.endpoints[0].host_header, "192.168.1.100:8080");
  EXPECT_EQ(model.endpoints[0].path, "/v1");
  EXPECT_EQ(model.endpoints[0].auth.type, AuthType::bearer);
  EXPECT_EQ(model.endpoints[0].auth.key.reveal(), "your-internal-token");
  ASSERT_EQ(config.keys.size(), 1U);
  EXPECT_EQ(config.keys[0].name, "default");
  EXPECT_EQ(config.keys[0].hash, fake_hash("sk-11111"));
  EXPECT_TRUE(config.keys[0].plain.empty());
  EXPECT_FALSE(config.make_key);
}

TEST(QuickStart, NeedsOnlyTheBase) {
  const Loaded loaded = load_dotenv(kBase);
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_TRUE(loaded.config.make_key);
  EXPECT_TRUE(loaded.config.keys.empty());
  EXPECT_TRUE(loaded.config.warnings.empty());
  EXPECT_EQ(loaded.config.listen[0].address.text(), "127.0.0.1:8080");
  EXPECT_EQ(loaded.config.admin, Admin{});
  EXPECT_EQ(loaded.config.data_dir, "./data");
  EXPECT_EQ(loaded.config.models[0].endpoints[0].auth.type, AuthType::none);
  const Loaded nothing = load_dotenv("");
  EXPECT_EQ(all_problems(nothing),
            "environment: CUSTOM_MODEL_API_BASE is not set, and there is no configuration file; set it to the model "
            "server's base "
            "URL, or name a file with --config\n");
}

TEST(QuickStart, EveryDefaultOfItsTableIsWhatAnAbsentVariableMeans) {
  for (const QuickStartRow& row : quick_start_table()) {
    if (row.fallback.empty() || row.fallback == kRequired) continue;
    Loaded written = load_with(std::string{row.name} + '=' + std::string{row.fallback});
    ASSERT_TRUE(written.ok()) << all_problems(written);
    written.config.admin.address_is_default = true;  // the one difference that writing a default makes
    EXPECT_EQ(written.config, load_dotenv(kBase).config) << row.name;
  }
}

TEST(QuickStart, SetsLimitsForAllTogetherAndForEachEndUser) {
  const Loaded loaded = load_with(
      "INTRAGATE_API_KEY=sk-11111\nINTRAGATE_MAX_CONCURRENCY=8\nINTRAGATE_REQUESTS_PER_MINUTE=600\n"
      "INTRAGATE_TOKENS_PER_MINUTE=50000\nINTRAGATE_TOKENS_PER_DAY=1000000\nINTRAGATE_USER_CONCURRENCY=2\n"
      "INTRAGATE_USER_REQUESTS_PER_MINUTE=30\nINTRAGATE_USER_TOKENS_PER_MINUTE=5000\n"
      "INTRAGATE_USER_TOKENS_PER_DAY=200000\n");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.models[0].endpoints[0].max_concurrency, 8U);
  Limit user;
  user.concurrency = 2;
  user.requests_per_minute = 30;
  user.tokens_per_minute = 5000;
  user.tokens_per_day = 200000;
  Limit all;
  all.per = Limit::Per::key;
  all.requests_per_minute = 600;
  all.tokens_per_minute = 50000;
  all.tokens_per_day = 1000000;
  EXPECT_EQ(loaded.config.limits, (std::vector<Limit>{user, all}));
  EXPECT_TRUE(loaded.config.keys[0].trust_user);
}

TEST(QuickStart, TrustsNobodysNamesWithoutALimitForThem) {
  const Loaded loaded = load_with("INTRAGATE_API_KEY=sk-11111\nINTRAGATE_REQUESTS_PER_MINUTE=600\n");
  EXPECT_FALSE(loaded.config.keys[0].trust_user);
  EXPECT_EQ(loaded.config.limits.size(), 1U);
  EXPECT_EQ(load_with("INTRAGATE_MAX_CONCURRENCY=auto\n").config.models[0].endpoints[0].max_concurrency,
            kAutoConcurrency);
}

TEST(QuickStart, RefusesLimitsThatAreNoNumbersOrWouldRefuseEverybody) {
  EXPECT_EQ(all_problems(load_with("INTRAGATE_MAX_CONCURRENCY=0\n")),
            ".env:2:1: INTRAGATE_MAX_CONCURRENCY: `0` is not a number from 1 to 100000; leave it out for no limit\n");
  for (const std::string_view line :
       {"INTRAGATE_MAX_CONCURRENCY=many", "INTRAGATE_MAX_CONCURRENCY=100001", "INTRAGATE_USER_CONCURRENCY=auto",
        "INTRAGATE_REQUESTS_PER_MINUTE=-1", "INTRAGATE_USER_TOKENS_PER_DAY=1e6", "INTRAGATE_USER_LIMIT=3"}) {
    EXPECT_FALSE(load_with(line).ok()) << line;
  }
}

TEST(QuickStart, TheProcessEnvironmentWinsAndIsNotChecked) {
  const Loaded loaded =
      load_dotenv(std::string{kBase} + "INTRAGATE_LISTEN=127.0.0.1:1\nINTRAGATE_DATA_DIR=file\n",
                  {{"INTRAGATE_LISTEN", "127.0.0.1:2"}, {"INTRAGATE_DATA_DIR", ""}, {"INTRAGATE_CONFIGG", "x"}});
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.listen[0].address.port, 2);
  EXPECT_EQ(loaded.config.data_dir, "file") << "an empty value counts as none";
}

TEST(QuickStart, RefusesUnknownVariablesOfOurOwnInTheFile) {
  EXPECT_EQ(all_problems(load_with("INTRAGATE_LISTN=127.0.0.1:1\n")),
            ".env:2:1: unknown variable `INTRAGATE_LISTN`; did you mean `INTRAGATE_LISTEN`?\n");
  EXPECT_FALSE(load_with("MODEL_REQUEST_TIMOUT=1\n").ok());
  EXPECT_FALSE(load_with("CUSTOM_MODEL_KEY=1\n").ok());
  EXPECT_FALSE(load_with("STREAM_BUFFER=1\n").ok());
  EXPECT_TRUE(load_with("POSTGRES_PASSWORD=x\nHTTP_PROXY=y\n").ok());
}

TEST(QuickStart, NamesThePlaceOfAnUnusableValue) {
  EXPECT_EQ(all_problems(load_with("MODEL_REQUEST_TIMEOUT=25s\n")),
            ".env:2:1: MODEL_REQUEST_TIMEOUT: `25s` is not a number of milliseconds from 1 to 3600000; did you mean "
            "`25000`?\n");
  EXPECT_TRUE(contains(all_problems(load_dotenv(kBase, {{"STREAM_RESPONSE_BUFFER_SIZE", "1"}})),
                       "environment: STREAM_RESPONSE_BUFFER_SIZE: `1` is not a number of bytes"));
  for (const char* wrong :
       {"MODEL_PROVIDER=openai", "CUSTOM_MODEL_AUTH_TYPE=token", "MODEL_REQUEST_TIMEOUT=0", "MODEL_REQUEST_TIMEOUT=-1",
        "MODEL_REQUEST_TIMEOUT=3600001", "STREAM_RESPONSE_BUFFER_SIZE=4 KB", "STREAM_RESPONSE_BUFFER_SIZE=1GiB",
        "INTRAGATE_LISTEN=8080", "INTRAGATE_LISTEN=host:80", "INTRAGATE_API_KEY='a b'", "nonsense"}) {
    EXPECT_EQ(load_with(wrong).problems.size(), 1U) << wrong;
  }
}

TEST(QuickStart, ReportsEverythingAtOnce) {
  const Loaded loaded =
      load_dotenv("MODEL_PROVIDER=x\nCUSTOM_MODEL_API_BASE=ftp://h\nINTRAGATE_LISTEN=y\nMODEL_REQUEST_TIMEOUT=z\n");
  EXPECT_EQ(loaded.problems.size(), 4U) << all_problems(loaded);
}

TEST(QuickStart, CredentialsFollowTheType) {
  EXPECT_EQ(load_with("CUSTOM_MODEL_API_KEY=t\n").config.models[0].endpoints[0].auth.type, AuthType::bearer);
  const Loaded header = load_with("CUSTOM_MODEL_API_KEY=t\nCUSTOM_MODEL_AUTH_TYPE=header:X-Key\n");
  EXPECT_EQ(header.config.models[0].endpoints[0].auth.header, "X-Key");
  EXPECT_TRUE(load_with("CUSTOM_MODEL_API_KEY=u:p\nCUSTOM_MODEL_AUTH_TYPE=basic\n").ok());
  EXPECT_FALSE(load_with("CUSTOM_MODEL_API_KEY=u\nCUSTOM_MODEL_AUTH_TYPE=basic\n").ok());
  EXPECT_TRUE(contains(all_problems(load_with("CUSTOM_MODEL_AUTH_TYPE=bearer\n")), "CUSTOM_MODEL_API_KEY is missing"));
  const Loaded unused = load_with("CUSTOM_MODEL_API_KEY=t\nCUSTOM_MODEL_AUTH_TYPE=none\n");
  EXPECT_TRUE(unused.ok());
  EXPECT_TRUE(contains(all_warnings(unused), "is never sent"));
  EXPECT_TRUE(unused.config.models[0].endpoints[0].auth.key.empty());
}

TEST(QuickStart, SecretsNeverReachMessages) {
  for (const char* wrong : {"INTRAGATE_API_KEY='hunter2 x'", "CUSTOM_MODEL_API_KEY=\"hunter2\\n\"",
                            "CUSTOM_MODEL_API_BASE=http://u:hunter2@h"}) {
    const Loaded loaded = load_dotenv(wrong, {{"CUSTOM_MODEL_AUTH_TYPE", "bearer"}});
    EXPECT_FALSE(loaded.ok()) << wrong;
    EXPECT_FALSE(contains(all_problems(loaded), "hunter2")) << all_problems(loaded);
  }
}

TEST(QuickStart, ALongWaitForTheFirstByteDoesNotEndInTheTotal) {
  const Loaded loaded = load_with("MODEL_REQUEST_TIMEOUT=1800000\n");
  ASSERT_TRUE(loaded.ok());
  EXPECT_GT(loaded.config.models[0].timeouts.total, loaded.config.models[0].timeouts.first_byte);
}

TEST(QuickStart, TheAdminAddressStaysOnThisMachine) {
  EXPECT_TRUE(contains(all_problems(load_with("INTRAGATE_ADMIN_LISTEN=0.0.0.0:1\n")), "needs a token"));
  EXPECT_TRUE(contains(all_problems(load_with("INTRAGATE_ADMIN_LISTEN=127.0.0.1:8080\n")),
                       "also the address of INTRAGATE_LISTEN"));
}

TEST(ProcessEnvironment, HoldsWhatTheProcessWasGiven) {
  EXPECT_TRUE(process_environment().contains("PATH"));
}

}  // namespace
}  // namespace intragate::config
