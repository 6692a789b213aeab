#include "check/report.h"

#include <algorithm>

#include "base/json_write.h"

namespace intragate::check {
namespace {

constexpr std::string_view kIndent = "       ";

std::string_view mark(Verdict verdict) {
  switch (verdict) {
    case Verdict::good: return "✔";
    case Verdict::bad: return "✘";
    case Verdict::open: break;
  }
  return "–";
}

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::good: return "good";
    case Verdict::bad: return "bad";
    case Verdict::open: break;
  }
  return "open";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string seconds(Duration time) {
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  std::string text = std::to_string(whole / 1000);
  if (whole % 1000 != 0) text += "." + std::to_string(whole % 1000 / 100);
  return text + " s";
}

std::string finding_json(const Finding& finding) {
  std::string out;
  json::Writer writer{out};
  writer.open_object()
      .text("id", finding.id)
      .text("title", finding.title)
      .text("verdict", word(finding.verdict))
      .text("detail", finding.detail)
      .text("dify_shows", finding.dify_shows)
      .text("cure", finding.cure)
      .close_object();
  return out;
}

// `parts`, each JSON already, as one array.
std::string array_of(const std::vector<std::string>& parts) {
  std::string out = "[";
  for (const std::string& part : parts) out += (out.size() > 1 ? "," : "") + part;
  return out + "]";
}

std::string report_json(const Report& report) {
  std::vector<std::string> findings;
  findings.reserve(report.findings.size());
  for (const Finding& finding : report.findings) findings.push_back(finding_json(finding));
  std::string out;
  json::Writer writer{out};
  writer.open_object()
      .text("target", report.title)
      .text("model", report.model)
      .text("kind", report.kind)
      .flag("happy", is_happy(report))
      .number("context_window", static_cast<std::int64_t>(report.profile.context_window))
      .number("concurrency", std::int64_t{report.profile.concurrency})
      .raw("findings", array_of(findings))
      .close_object();
  return out;
}

std::string yaml_text(std::string_view text) {
  std::string out;
  json::append_string(out, text);  // a JSON string is a YAML one
  return out;
}

}  // namespace

bool is_happy(const Report& report) {
  return std::none_of(report.findings.begin(), report.findings.end(),
                      [](const Finding& finding) { return finding.verdict == Verdict::bad; });
}

std::string as_text(const Report& report) {
  std::string out = report.title + (report.model.empty() ? "" : ", model " + report.model) + " (" + report.kind + ")\n";
  for (const Finding& finding : report.findings) {
    out += " " + std::string{mark(finding.verdict)} + " " + padded(finding.id, 4) + " " + finding.title;
    if (!finding.detail.empty()) out += ": " + finding.detail;
    out += "\n";
    if (finding.verdict != Verdict::good && !finding.dify_shows.empty()) {
      out.append(kIndent).append("Dify shows: ").append(finding.dify_shows).append("\n");
    }
    if (finding.verdict != Verdict::good && !finding.cure.empty()) {
      out.append(kIndent).append("cure: ").append(finding.cure).append("\n");
    }
  }
  return out;
}

std::string as_text(const std::vector<Rung>& rungs) {
  std::string out = "Timeouts between a person and the model (Dify's defaults):\n";
  for (const Rung& rung : rungs) {
    out += "  " + padded(seconds(rung.limit), 8) + padded(rung.of, 14) + padded(rung.who, 38) + rung.setting + "\n";
  }
  return out + first_to_fire(rungs) + "\n";
}

std::string as_json(const std::vector<Report>& reports, const std::vector<Rung>& rungs, const std::string& block) {
  std::vector<std::string> targets;
  targets.reserve(reports.size());
  for (const Report& report : reports) targets.push_back(report_json(report));
  std::vector<std::string> timeouts;
  timeouts.reserve(rungs.size());
  for (const Rung& rung : rungs) {
    std::string one;
    json::Writer writer{one};
    writer.open_object()
        .text("who", rung.who)
        .text("setting", rung.setting)
        .number("seconds", std::chrono::duration<double>{rung.limit}.count(), 1)
        .text("of", rung.of)
        .close_object();
    timeouts.push_back(std::move(one));
  }
  std::string out;
  json::Writer writer{out};
  writer.open_object()
      .flag("happy", std::all_of(reports.begin(), reports.end(), is_happy))
      .raw("targets", array_of(targets))
      .raw("timeouts", array_of(timeouts))
      .text("first_to_fire", first_to_fire(rungs))
      .text("models", block)
      .close_object();
  return out;
}

std::string models_block(const Report& report, const std::string& url, const std::string& key_reference) {
  std::string out = "models:\n  - name: " + yaml_text(report.model) + "\n";
  if (report.kind != "chat") out += "    kind: " + report.kind + "\n";
  if (report.profile.context_window > 0) {
    out += "    context_window: " + std::to_string(report.profile.context_window) + "\n";
  }
  out += "    endpoints:\n      - url: " + yaml_text(url) + "\n";
  if (!key_reference.empty()) out += "        auth: {type: bearer, key: " + yaml_text(key_reference) + "}\n";
  if (report.profile.concurrency > 0) {
    out += "        max_concurrency: " + std::to_string(report.profile.concurrency) + "\n";
  }
  return out;
}

}  // namespace intragate::check
