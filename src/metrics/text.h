// Writes numbers and labels the way Prometheus reads them. Internal to metrics/. Thread: any; pure functions.
// Rule: Prometheus text exposition format 0.0.4: \\, \" and \n are the only escapes in a label value.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "metrics/names.h"
#include "metrics/series.h"

namespace intragate::metrics {

// `api="chat",model="qwen"`; empty when the metric has no labels.
[[nodiscard]] std::string label_text(const Definition& row, std::span<const std::string_view> values);

// # HELP and # TYPE.
void append_heading(std::string& out, const Definition& row);
// One sample line, or for a histogram its buckets, sum and count, with `parts` added up. `labels` as made by
// label_text.
void append_sample(std::string& out, const Definition& row, std::string_view labels,
                   std::span<const Series* const> parts);

}  // namespace intragate::metrics
