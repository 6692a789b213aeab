#include "metrics/text.h"

#include <charconv>
#include <cmath>

#include "base/json_utf8.h"

namespace intragate::metrics {
namespace {

constexpr double kExactWhole = 9007199254740992.0;  // 2^53

void append_value(std::string& out, double value) {
  char text[32];
  char* end = text;
  if (value == std::floor(value) && std::fabs(value) < kExactWhole) {
    end = std::to_chars(text, text + sizeof(text), static_cast<std::int64_t>(value)).ptr;  // 1000000, never 1e+06
  } else {
    end = std::to_chars(text, text + sizeof(text), value).ptr;
  }
  out.append(text, end);
}

// What Prometheus would refuse the whole page for becomes '?'.
void append_escaped(std::string& out, std::string_view value) {
  for (std::size_t at = 0; at < value.size();) {
    const json::Utf8Piece piece = json::utf8_piece(value, at);
    const char c = value[at];
    if (!piece.valid || c == '\0') {
      out += '?';
    } else if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || c == '"') out += '\\';
      out += value.substr(at, piece.length);
    }
    at += piece.length;
  }
}

// `name_suffix{labels,extra} ` up to the value.
void append_name(std::string& out, std::string_view name, std::string_view labels, std::string_view extra = {}) {
  out += name;
  if (!labels.empty() || !extra.empty()) {
    out += '{';
    out += labels;
    if (!labels.empty() && !extra.empty()) out += ',';
    out += extra;
    out += '}';
  }
  out += ' ';
}

void append_number(std::string& out, const Definition& row, std::string_view labels,
                   std::span<const Series* const> parts) {
  double sum = 0;
  for (const Series* part : parts) sum += static_cast<const Number*>(part)->value();
  append_name(out, row.name, labels);
  append_value(out, sum);
  out += '\n';
}

// _count is the +Inf bucket by construction, so the three never contradict each other while loops go on counting.
void append_histogram(std::string& out, const Definition& row, std::string_view labels,
                      std::span<const Series* const> parts) {
  const std::string name{row.name};
  double sum = 0;
  for (const Series* part : parts) sum += static_cast<const Histogram*>(part)->sum();
  std::uint64_t count = 0;
  for (std::size_t bucket = 0; bucket <= row.bounds.size(); ++bucket) {
    for (const Series* part : parts) count += static_cast<const Histogram*>(part)->count(bucket);
    std::string limit = "le=\"";
    if (bucket < row.bounds.size()) {
      append_value(limit, row.bounds[bucket]);
    } else {
      limit += "+Inf";
    }
    limit += '"';
    append_name(out, name + "_bucket", labels, limit);
    append_value(out, static_cast<double>(count));
    out += '\n';
  }
  append_name(out, name + "_sum", labels);
  append_value(out, sum);
  out += '\n';
  append_name(out, name + "_count", labels);
  append_value(out, static_cast<double>(count));
  out += '\n';
}

}  // namespace

std::string label_text(const Definition& row, std::span<const std::string_view> values) {
  std::string out;
  const std::string_view* name = row.labels.begin();
  for (const std::string_view value : values) {
    if (!out.empty()) out += ',';
    out += *name++;
    out += "=\"";
    append_escaped(out, value);
    out += '"';
  }
  return out;
}

void append_heading(std::string& out, const Definition& row) {
  constexpr std::array<std::string_view, 3> kTypes{"counter", "gauge", "histogram"};
  out += "# HELP ";
  out += row.name;
  out += ' ';
  out += row.help;
  out += "\n# TYPE ";
  out += row.name;
  out += ' ';
  out += kTypes[static_cast<std::size_t>(row.type)];
  out += '\n';
}

void append_sample(std::string& out, const Definition& row, std::string_view labels,
                   std::span<const Series* const> parts) {
  if (row.type == Type::histogram) {
    append_histogram(out, row, labels, parts);
  } else {
    append_number(out, row, labels, parts);
  }
}

}  // namespace intragate::metrics
