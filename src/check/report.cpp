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

// In JSON, and so in YAML.
std::string quoted(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

std::string rung_json(const Rung& rung) {
  std::string out;
  json::Writer writer{out};
  writer.open_object()
      .text("who", rung.who)
      .text("setting", rung.setting)
      .number("seconds", std::chrono::duration<double>{rung.limit}.count(), 1)
      .text("of", rung.of)
      .close_object();
  return out;
}

std::string ladder_json(const Ladder& ladder) {
  std::vector<std::string> targets;
  std::vector<std::string> rungs;
  for (const std::string& target : ladder.targets) targets.push_back(quoted(target));
  for (const Rung& rung : ladder.rungs) rungs.push_back(rung_json(rung));
  std::string out;
  json::Writer writer{out};
  writer.open_object()
      .raw("targets", array_of(targets))
      .raw("timeouts", array_of(rungs))
      .text("first_to_fire", first_to_fire(ladder.rungs))
      .close_object();
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

std::vector<Ladder> distinct(std::vector<Ladder> ladders) {
  std::vector<Ladder> all;
  for (Ladder& ladder : ladders) {
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const Ladder& one) { return one.rungs == ladder.rungs; });
    if (same == all.end()) {
      all.push_back(std::move(ladder));
    } else {
      same->targets.insert(same->targets.end(), ladder.targets.begin(), ladder.targets.end());
    }
  }
  return all;
}

std::string as_text(const Ladder& ladder, bool alone) {
  std::string out = "Timeouts between a person and the model (Dify's defaults)";
  for (std::size_t i = 0; !alone && i < ladder.targets.size(); ++i) out += (i == 0 ? ", " : "; ") + ladder.targets[i];
  out += ":\n";
  for (const Rung& rung : ladder.rungs) {
    out += "  " + padded(seconds(rung.limit), 8) + padded(rung.of, 14) + padded(rung.who, 38) + rung.setting + "\n";
  }
  return out + first_to_fire(ladder.rungs) + "\n";
}

std::string as_json(const std::vector<Report>& reports, const std::vector<Ladder>& ladders, const std::string& block) {
  std::vector<std::string> targets;
  targets.reserve(reports.size());
  for (const Report& report : reports) targets.push_back(report_json(report));
  std::vector<std::string> ways;
  ways.reserve(ladders.size());
  for (const Ladder& ladder : ladders) ways.push_back(ladder_json(ladder));
  std::string out;
  json::Writer writer{out};
  writer.open_object()
      .flag("happy", std::all_of(reports.begin(), reports.end(), is_happy))
      .raw("targets", array_of(targets))
      .raw("ladders", array_of(ways))
      .text("models", block)
      .close_object();
  return out;
}

std::string models_block(const Report& report, const Reached& where) {
  std::string out = "models:\n  - name: " + quoted(report.model) + "\n";
  if (report.kind != "chat") out += "    kind: " + report.kind + "\n";
  if (report.profile.context_window > 0) {
    out += "    context_window: " + std::to_string(report.profile.context_window) + "\n";
  }
  out += "    endpoints:\n      - url: " + quoted(where.url) + "\n";
  if (!where.key_reference.empty()) out += "        auth: {type: bearer, key: " + quoted(where.key_reference) + "}\n";
  if (!where.ca.empty()) out += "        tls: {ca: " + quoted(where.ca) + "}\n";
  if (report.profile.concurrency > 0) {
    out += "        max_concurrency: " + std::to_string(report.profile.concurrency) + "\n";
  }
  return out;
}

}  // namespace intragate::check
