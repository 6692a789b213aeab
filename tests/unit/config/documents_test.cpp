// Holds what people read against what the loader does: docs/configuration.md, its JSON Schema, the examples.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "config/key_table.h"
#include "config/quick_start.h"
#include "config/yaml_tree.h"
#include "loading.h"

namespace intragate::config {
namespace {

const std::filesystem::path kRoot{INTRAGATE_SOURCE_DIR};
const Environment kVariables{
    {"VLLM_KEY", "vllm-token"},  {"SGLANG_KEY", "sglang-token"}, {"LLAMA_KEY", "llama-token"},
    {"DIFY_KEY", "sk-dify-key"}, {"BOARD_KEY", "sk-board-key"},  {"INTRAGATE_ADMIN_TOKEN", "admin-token"},
    {"ZONE", "room-a"}};

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream{kRoot / file, std::ios::binary};
  EXPECT_TRUE(stream) << file;
  return {std::istreambuf_iterator<char>{stream}, {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string default_cell(std::string_view fallback) {
  if (fallback.empty()) return "–";
  return fallback == kRequired ? "required" : '`' + std::string{fallback} + '`';
}

// The beginning of a key's line in the reference.
std::string reference_line(const KeyRow& row) {
  const std::string key = "| `" + std::string{row.path} + "` | ";
  if (row.use == Use::unavailable) return key + "refused | ";
  if (row.use == Use::ignored) return key + "ignored with a warning | ";
  return key + describe(row) + " | " + default_cell(row.fallback) + " | ";
}

TEST(Reference, HasEveryKeyWithItsTypeAndDefaultAndNoOther) {
  std::set<std::string> wanted;
  for (const KeyRow& row : key_table()) wanted.insert(reference_line(row));
  for (const QuickStartRow& row : quick_start_table()) {
    wanted.insert("| `" + std::string{row.name} + "` | " + default_cell(row.fallback) + " | ");
  }
  for (const std::string& line : lines_of(text_of("docs/configuration.md"))) {
    if (!line.starts_with("| `")) continue;
    const auto known =
        std::find_if(wanted.begin(), wanted.end(), [&](const auto& start) { return line.starts_with(start); });
    if (known == wanted.end()) {
      ADD_FAILURE() << "docs/configuration.md has a line that the loader does not know, or has twice:\n" << line;
      continue;
    }
    EXPECT_GT(line.size(), known->size() + 10) << "no meaning: " << line;
    wanted.erase(known);
  }
  for (const std::string& line : wanted) ADD_FAILURE() << "docs/configuration.md lacks the line\n" << line;
}

// What stands between ```yaml and ```.
std::vector<std::string> yaml_blocks(const std::filesystem::path& file) {
  std::vector<std::string> blocks;
  bool inside = false;
  for (const std::string& line : lines_of(text_of(file))) {
    if (line == "```yaml") {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + '\n';
    }
  }
  return blocks;
}

// Under a model, as a reader would put it.
std::string under_a_model(const std::string& endpoints) {
  std::string block = "models:\n- name: m\n";
  for (const std::string& line : lines_of(endpoints)) block += "  " + line + '\n';
  return block;
}

TEST(Reference, ItsYamlIsValid) {
  const std::vector<std::string> blocks = yaml_blocks("docs/configuration.md");
  for (std::string block : blocks) {
    if (block.starts_with("endpoints:")) block = under_a_model(block);
    const bool models = block.find("models:\n") != std::string::npos;
    const Loaded loaded = load(models ? block : block + std::string{kOneModel}, kVariables);
    for (const Problem& problem : loaded.problems) {  // whoever runs the tests has no /run/secrets
      EXPECT_TRUE(contains(problem.message, "/run/secrets")) << problem.text() << "\nin\n" << block;
    }
  }
  EXPECT_GE(blocks.size(), 6U);
}

TEST(Reference, TheBlockOfEveryModelServerIsValidWithoutRemarks) {
  int pages = 0;
  for (const auto& file : std::filesystem::directory_iterator{kRoot / "docs/servers"}) {
    if (file.path().filename() == "README.md") continue;
    const std::vector<std::string> blocks = yaml_blocks(file.path());
    EXPECT_FALSE(blocks.empty()) << file.path();
    for (const std::string& block : blocks) {
      const Loaded loaded = load(block + "keys: [{name: dify, key: \"${DIFY_KEY}\"}]\n", kVariables);
      EXPECT_EQ(all_problems(loaded) + all_warnings(loaded), "") << file.path() << '\n' << block;
    }
    ++pages;
  }
  EXPECT_GE(pages, 8);
}

TEST(Reference, ItsSampleOfProblemsIsReal) {
  const std::string yaml = std::string(9, '\n') +
                           "models:\n  - name: m\n    timeout: 25s\n    timeouts: {first_byte: 25sec}\n    endpoints: "
                           "[{url: \"http://h\"}]\n";
  const Loaded loaded = load_yaml(yaml, "intragate.yaml", {}, fake_hash);
  EXPECT_TRUE(contains(text_of("docs/configuration.md"), "\n" + all_problems(loaded) + "```")) << all_problems(loaded);
}

TEST(Examples, TheFilesAreValidWithoutRemarks) {
  for (const char* file : {"examples/intragate.yaml", "examples/two-rooms.yaml", "examples/home-made.yaml",
                           "examples/content-rules.yaml", "examples/triton.yaml"}) {
    const Loaded loaded = load_yaml(text_of(file), (kRoot / file).string(), kVariables, fake_hash);
    EXPECT_EQ(all_problems(loaded), "") << file;
    EXPECT_EQ(all_warnings(loaded), "") << file;
  }
}

TEST(Examples, TheQuickStartIsValidWithoutRemarks) {
  const Loaded loaded = load_environment({}, text_of("examples/quickstart.env"), "quickstart.env", fake_hash);
  EXPECT_EQ(all_problems(loaded), "");
  EXPECT_EQ(all_warnings(loaded), "");
}

// The schema, flattened to the key table's paths.
using Schema = std::map<std::string, simdjson::dom::element>;

void flatten(simdjson::dom::element node, const std::string& path, Schema& into) {
  into.emplace(path, node);
  simdjson::dom::element items;
  if (node["items"].get(items) == simdjson::SUCCESS) flatten(items, path + "[]", into);
  simdjson::dom::object properties;
  if (node["properties"].get(properties) != simdjson::SUCCESS) return;
  EXPECT_EQ(bool(node["additionalProperties"]), false) << path << " must refuse unknown keys";
  for (const auto& [key, value] : properties) flatten(value, (path.empty() ? "" : path + '.') + std::string{key}, into);
}

class SchemaTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(parser_.parse(simdjson::padded_string{text_of("docs/configuration.schema.json")}).get(root_),
              simdjson::SUCCESS);
    flatten(root_, "", schema_);
  }
  // The node of a key; the words it may be.
  [[nodiscard]] std::set<std::string> words(const std::string& path, const char* list) const {
    std::set<std::string> out;
    simdjson::dom::array array;
    if (schema_.at(path)[list].get(array) != simdjson::SUCCESS) return out;
    for (const auto word : array) out.emplace(std::string_view{word});
    return out;
  }

  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
  Schema schema_;
};

TEST_F(SchemaTest, HasEveryKeyThatAFileMayHaveAndNoOther) {
  std::set<std::string> wanted{""};
  for (const KeyRow& row : key_table()) {
    if (row.use == Use::unavailable) continue;
    wanted.emplace(row.path);
    if (row.use == Use::read && (row.shape == Shape::sections || row.shape == Shape::names))
      wanted.insert(std::string{row.path} + "[]");
  }
  std::set<std::string> found;
  for (const auto& [path, node] : schema_) {
    if (path.find('[') == std::string::npos || !path.ends_with("[]") || wanted.contains(path)) found.insert(path);
  }
  EXPECT_EQ(found, wanted);
}

bool same(const Node& a, const Node& b) {
  const auto same_key = [](const Label& x, const Label& y) { return x.key == y.key; };
  return a.kind == b.kind && a.text == b.text &&
         std::equal(a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end(), same_key) &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same);
}

TEST_F(SchemaTest, HasTheLoadersDefaults) {
  Problems problems{"schema"};
  for (const KeyRow& row : key_table()) {
    if (row.use != Use::read) continue;
    simdjson::dom::element fallback;
    const bool has = schema_.at(std::string{row.path})["default"].get(fallback) == simdjson::SUCCESS;
    const bool wanted = !row.fallback.empty() && row.fallback != kRequired;
    ASSERT_EQ(has, wanted) << row.path;
    if (!has) continue;
    const std::optional<Node> ours = parse_yaml(row.fallback, problems);
    const std::optional<Node> theirs = parse_yaml(simdjson::minify(fallback), problems);
    ASSERT_TRUE(ours && theirs) << row.path;
    EXPECT_TRUE(same(*ours, *theirs)) << row.path << ": " << simdjson::minify(fallback) << " is not " << row.fallback;
  }
}

TEST_F(SchemaTest, RequiresWhatTheLoaderRequires) {
  for (const auto& [path, node] : schema_) {
    std::set<std::string> wanted;
    for (const KeyRow* row : keys_below(path)) {
      if (row->fallback == kRequired) wanted.emplace(last_name(row->path));
    }
    EXPECT_EQ(words(path, "required"), wanted) << path;
  }
}

TEST_F(SchemaTest, HasTheLoadersChoicesAndRanges) {
  for (const KeyRow& row : key_table()) {
    if (row.use != Use::read) continue;
    const std::string path{row.path};
    if (row.shape == Shape::choice) {
      const std::vector<std::string_view> known = split_words(row.values);
      EXPECT_EQ(words(path, "enum"), std::set<std::string>(known.begin(), known.end())) << path;
    }
    if (row.shape == Shape::count) {
      const std::int64_t low = schema_.at(path)["minimum"];
      const std::int64_t high = schema_.at(path)["maximum"];
      EXPECT_EQ(std::to_string(low) + ".." + std::to_string(high), row.values) << path;
    }
    EXPECT_EQ(schema_.at(path)["description"].error(), simdjson::SUCCESS) << path;
  }
}

}  // namespace
}  // namespace intragate::config
