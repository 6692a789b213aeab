#include <gtest/gtest.h>

#include <fstream>

#include "config/key_table.h"
#include "loading.h"
#include "tokenizer/tokenizer.h"

namespace intragate::config {
namespace {

Loaded load_lines(const std::string& endpoint) {
  return load("models:\n  - name: m\n    endpoints:\n      - url: http://h:1\n" + endpoint);
}

// An endpoint of `dialect: template`, with `more` in its `template`.
Loaded load_template(const std::string& more) {
  return load_lines("        dialect: template\n        template:\n          path: /generate\n" + more);
}

const std::string kBody = "          body: '{\"prompt\": {{ prompt | tojson }}}'\n";

TEST(ConfigDialects, ATemplateIsReadWhole) {
  const Loaded loaded = load_template(
      "          method: PUT\n          headers: {X-App: dify, X-Token: \"${TOKEN}\"}\n" + kBody +
      "          answer: {text: /a, reasoning: /r, finish_reason: /f, prompt_tokens: /p, completion_tokens: /c, error: "
      "/e}\n          stream: {framing: ndjson, text: /d~1e, done: /last}\n");
  EXPECT_TRUE(contains(all_problems(loaded), "TOKEN"));
  const Loaded good = load_template(
      "          method: PUT\n          headers: {X-App: dify}\n" + kBody +
      "          answer: {text: /a, reasoning: /r, finish_reason: /f, prompt_tokens: /p, completion_tokens: /c, error: "
      "/e}\n          stream: {framing: ndjson, text: /d~1e, done: /last}\n");
  ASSERT_TRUE(good.ok()) << all_problems(good);
  const Template& custom = good.config.models[0].endpoints[0].custom;
  EXPECT_EQ(custom.method, "PUT");
  EXPECT_EQ(custom.path, "/generate");
  ASSERT_EQ(custom.headers.size(), 1U);
  EXPECT_EQ(custom.headers[0].first, "X-App");
  EXPECT_EQ(custom.headers[0].second.reveal(), "dify");
  EXPECT_EQ(custom.answer, (Pointers{"/a", "/r", "/f", "/p", "/c", "/e"}));
  EXPECT_EQ(custom.framing, StreamFraming::ndjson);
  EXPECT_EQ(custom.event.text, "/d~1e");
  EXPECT_EQ(custom.done, "/last");
}

TEST(ConfigDialects, TheFormOfToolCallsIsForRawModels) {
  const Loaded loaded = load_lines("        dialect: tgi\n        tool_calls: deepseek\n");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.models[0].endpoints[0].tool_calls, ToolCalls::deepseek);
  EXPECT_EQ(load_lines("        dialect: tgi\n").config.models[0].endpoints[0].tool_calls, ToolCalls::automatic);
  const Loaded useless = load_lines("        tool_calls: none\n");
  EXPECT_TRUE(useless.ok());
  EXPECT_TRUE(contains(all_warnings(useless), "`tool_calls` has no effect with the dialect openai"));
}

TEST(ConfigDialects, ATemplateIsRefusedWithItsPlaceAndItsLine) {
  struct Case {
    std::string more;
    std::string problem;
  };
  const std::vector<Case> cases{
      {"          body: |\n            {\"prompt\": {{ prompt | tojson }},\n             \"x\": {% if %}}\n",
       "test.yaml:8:17: `models[0].endpoints[0].template.body`: template, line 2"},
      {"          body: '{\"prompt\": \"{{ prompt }}\"}'\n", "makes no JSON: every text goes through `tojson`"},
      {"          body: '{\"max\": {{ max_tokens }}}'\n", "makes no JSON for a request that says only what it must"},
      {"          body: '{\"x\": {{ user.name.first | tojson }}}'\n", "it fails"},
      {"          body: '{\"x\": \"{{ messages[0].role }}\"}'\n", "makes no JSON"},
      {"          body: '{\"x\": \"{{ tools[0].function.description if tools else 1 }}\"}'\n", "makes no JSON"},
      {kBody + "          answer: {text: result}\n", "`result` is not a JSON pointer; a pointer looks like"},
      {kBody + "          answer: {text: /a~b}\n", "`/a~b` is not a JSON pointer; within a name `~` is written `~0`"},
      {kBody + "          answer: {txt: /a}\n", "unknown key `txt` in models[0].endpoints[0].template.answer"},
      {kBody + "          stream: {framing: ndjson}\n", "`text` is missing in models[0].endpoints[0].template.stream"},
      {kBody + "          headers: {Host: x}\n", "test.yaml:9:21: `models[0].endpoints[0].template.headers.Host`"},
      {kBody + "          headers: {\"X Y\": x}\n", "is not the name of an HTTP header"},
      {kBody + "          headers: {X-Y: \"a\\nb\"}\n", "characters that no header can carry"},
      {kBody + "          headers: x\n", "must be a mapping"},
      {kBody + "          method: GET\n", "`GET` is not one of `POST`, `PUT`, `PATCH`"},
      {"", "`body` is missing"},
  };
  for (const Case& one : cases) {
    const std::string problems = all_problems(load_template(one.more));
    EXPECT_TRUE(contains(problems, one.problem)) << one.more << problems;
  }
  EXPECT_TRUE(
      contains(all_problems(load_lines("        dialect: template\n")), "`dialect: template` needs `template`"));
  EXPECT_TRUE(
      contains(all_problems(load_lines("        template: {path: generate, body: '{}'}\n")), "must begin with /"));
  EXPECT_TRUE(contains(all_warnings(load_lines("        template: {path: /generate, body: '{}'}\n")),
                       "`template` has no effect with the dialect openai"));
}

TEST(ConfigDialects, ADescribedInterfaceListsNoModels) {
  const Loaded loaded = load(
      "models: [{name: \"*\", endpoints: [{url: \"http://h\", dialect: template, "
      "template: {path: /p, body: '{}'}}]}]");
  EXPECT_TRUE(contains(all_problems(loaded), "lists no models for `*`")) << all_problems(loaded);
}

TEST(ConfigDialects, OnlyAWrittenPathIsAnInterfacesOwn) {
  const auto path_of = [](const std::string& url, const std::string& dialect) {
    const Loaded loaded = load("models: [{name: m, endpoints: [{url: \"" + url + "\", dialect: " + dialect +
                               ", template: {path: /p, body: '{}'}}]}]\n");
    EXPECT_TRUE(loaded.ok()) << all_problems(loaded);
    return loaded.config.models[0].endpoints[0].path;
  };
  EXPECT_EQ(path_of("http://h", "template"), "");
  EXPECT_EQ(path_of("http://v1", "template"), "");
  EXPECT_EQ(path_of("http://h/v1", "template"), "/v1");
  EXPECT_EQ(path_of("http://h/v1/", "template"), "/v1");
  EXPECT_EQ(path_of("http://h/v2", "template"), "/v2");
  EXPECT_EQ(path_of("http://h/v1", "tgi"), "");
}

TEST(ConfigDialects, ChatTemplatesAreBuiltInOrFiles) {
  const std::filesystem::path folder = make_folder("chat-template");
  std::ofstream{folder / "t.jinja"} << "{{ messages[0].content }}";
  EXPECT_TRUE(contains(all_warnings(load_lines("        chat_template: qwen\n")),
                       "has no effect with the dialect openai without `tokenizer`"));
  std::ofstream{folder / "bad.jinja"} << "a\n{% for %}";
  const auto chat = [&](const std::string& value) {
    return load("models: [{name: m, endpoints: [{url: \"http://h\", dialect: tgi, chat_template: \"" + value +
                "\"}]}]");
  };
  EXPECT_EQ(chat("qwen").config.models[0].endpoints[0].chat_template, "qwen");
  const Loaded file = chat("file:" + (folder / "t.jinja").string());
  ASSERT_TRUE(file.ok()) << all_problems(file);
  EXPECT_EQ(file.config.models[0].endpoints[0].chat_template, "{{ messages[0].content }}");
  EXPECT_EQ(file.config.files, std::vector<std::string>{(folder / "t.jinja").string()});  // a change of it reloads
  EXPECT_TRUE(contains(all_problems(chat("qwenn")), "did you mean `qwen`?")) << all_problems(chat("qwenn"));
  const std::string bad = all_problems(chat("file:" + (folder / "bad.jinja").string()));
  EXPECT_TRUE(contains(bad, "chat template: template, line 2")) << bad;
  EXPECT_TRUE(contains(all_problems(chat("file:/nowhere/t.jinja")), "/nowhere/t.jinja"));
  std::filesystem::remove_all(folder);
}

TEST(ConfigDialects, TokenizersAreReadOnceAndComparedByWhatTheyHold) {
  const std::filesystem::path folder = make_folder("tokenizer");
  const std::string path = (folder / "tokenizer.json").string();
  const std::string both = "models: [{name: m, endpoints: [{url: \"http://a\", tokenizer: \"" + path +
                           "\"}, {url: \"http://b\", tokenizer: \"" + path + "\"}]}]";
  EXPECT_TRUE(contains(all_problems(load(both)), path));
  std::ofstream{path} << R"({"model":{"type":"WordLevel"}})";
  EXPECT_TRUE(contains(all_problems(load(both)), "models of the kind `WordLevel` are not supported"));
  std::ofstream{path} << R"({"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})";
  const Loaded first = load(both);
  ASSERT_TRUE(first.ok()) << all_problems(first);
  const std::vector<Endpoint>& endpoints = first.config.models[0].endpoints;
  EXPECT_EQ(endpoints[0].tokenizer.made, endpoints[1].tokenizer.made);
  const Loaded again = load(both);
  EXPECT_NE(again.config.models[0].endpoints[0].tokenizer.made, endpoints[0].tokenizer.made);
  EXPECT_EQ(again.config.models[0].endpoints[0], endpoints[0]);  // so a reload keeps the endpoint's health
  std::ofstream{path} << R"({"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"b":0},"merges":[]}})";
  EXPECT_NE(load(both).config.models[0].endpoints[0], endpoints[0]);
  std::filesystem::remove_all(folder);
}

TEST(ConfigDialects, FittingNeedsAWindow) {
  const auto model = [](const std::string& more) {
    return load("models: [{name: m, fit_max_tokens: true, " + more + "endpoints: [{url: \"http://h\"}]}]");
  };
  EXPECT_TRUE(contains(all_warnings(model("")), "`models[0].fit_max_tokens` has no effect without `context_window`"));
  EXPECT_TRUE(
      contains(all_warnings(model("context_window: 10, ")),
               "`models[0].fit_max_tokens` goes by an estimate of the prompt without a `tokenizer` at an endpoint"));
  EXPECT_TRUE(model("context_window: 10, ").config.models[0].fit_max_tokens);
}

}  // namespace
}  // namespace intragate::config
