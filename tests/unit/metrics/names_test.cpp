// docs/metrics.md is the page operators build dashboards from: it must be the table of metrics/names.h.
#include "metrics/names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace intragate::metrics {
namespace {

std::string metrics_page() {
  std::ifstream file{INTRAGATE_SOURCE_DIR "/docs/metrics.md"};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string documented_row(const Definition& row) {
  constexpr std::array kTypes{"counter", "gauge", "histogram"};
  std::string labels;
  for (std::size_t i = 0; i < row.label_count(); ++i) {
    if (i > 0) labels += ", ";
    labels += "`" + std::string{row.labels[i]} + "`";
  }
  if (labels.empty()) labels = "–";
  return "| `" + std::string{row.name} + "` | " + kTypes[static_cast<std::size_t>(row.type)] + " | " + labels + " | " +
         std::string{row.help} + " |\n";
}

TEST(MetricNames, StandInTheDocumentation) {
  const std::string page = metrics_page();
  for (const Definition& row : kTable) {
    EXPECT_NE(page.find(documented_row(row)), std::string::npos) << "docs/metrics.md lacks\n" << documented_row(row);
  }
}

TEST(MetricNames, DocumentationHasNoOthers) {
  const std::string page = metrics_page();
  std::size_t rows = 0;
  for (std::size_t at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) ++rows;
  EXPECT_EQ(rows, kMetricCount);
}

TEST(MetricNames, FollowPrometheusRules) {
  std::set<std::string_view> seen;
  for (const Definition& row : kTable) {
    EXPECT_TRUE(seen.insert(row.name).second) << row.name << " twice";
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << row.name;
    EXPECT_EQ(row.name.ends_with("_total"), row.type == Type::counter) << row.name;
    EXPECT_EQ(row.help.find_first_of("\\\n|"), std::string_view::npos) << row.name;
    EXPECT_TRUE(std::is_sorted(row.bounds.begin(), row.bounds.end())) << row.name;
    for (std::size_t i = 0; i < row.label_count(); ++i) EXPECT_NE(row.labels[i], "le") << row.name;
  }
}

TEST(MetricNames, OperationsAreTheConventionsWords) {
  EXPECT_EQ(operation_of("chat"), "chat");
  EXPECT_EQ(operation_of("completions"), "text_completion");
  EXPECT_EQ(operation_of("embeddings"), "embeddings");
}

}  // namespace
}  // namespace intragate::metrics
