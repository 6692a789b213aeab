#include "pipeline/abilities.h"

#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace intragate::pipeline {
namespace {

std::string abilities(const std::string& kind, const std::string& dialect, std::vector<std::string> apis) {
  const std::string text = "models:\n  - name: m\n" + (kind.empty() ? "" : "    kind: " + kind + "\n") +
                           "    endpoints:\n      - {url: \"http://10.0.0.1\", dialect: " + dialect + "}\n";
  config::Loaded loaded = config::load(text);
  EXPECT_EQ(config::all_problems(loaded), "");
  const auto snapshot =
      make_snapshot(std::make_shared<const config::Config>(std::move(loaded.config)), {}, nullptr, {});
  auth::Principal principal;
  principal.apis = std::move(apis);
  std::string all;
  for (const std::string_view ability : abilities_of(*(*snapshot)->find("m"), principal)) {
    all += (all.empty() ? "" : " ") + std::string{ability};
  }
  return all;
}

TEST(Abilities, AreThoseOfTheKind) {
  EXPECT_EQ(abilities("chat", "openai", {"*"}), "chat completions messages responses");
  EXPECT_EQ(abilities("completion", "openai", {"*"}), "completions");
  EXPECT_EQ(abilities("embedding", "openai", {"*"}), "embeddings rerank");
  EXPECT_EQ(abilities("speech", "openai", {"*"}), "speech");
  EXPECT_EQ(abilities("", "openai", {"*"}),
            "chat completions embeddings rerank speech transcription messages responses");
}

TEST(Abilities, OfACompletionModelWhoseEndpointsMakePromptsIncludeChat) {
  const std::string tgi = "tgi, chat_template: chatml";
  EXPECT_EQ(abilities("completion", tgi, {"*"}), "chat completions messages responses");
  EXPECT_EQ(abilities("completion", tgi + "}\n      - {url: \"http://10.0.0.2\"", {"*"}), "completions");
  EXPECT_EQ(abilities("completion", "tgi", {"*"}), "completions");
}

TEST(Abilities, AreNoMoreThanTheDialectKnows) {
  EXPECT_EQ(abilities("", "ollama", {"*"}), "chat completions embeddings messages responses");
}

TEST(Abilities, AreNoMoreThanTheKeyMayUse) {
  EXPECT_EQ(abilities("chat", "openai", {"messages", "embeddings"}), "messages");
  EXPECT_EQ(abilities("chat", "openai", {}), "");
}

}  // namespace
}  // namespace intragate::pipeline
