#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

#include "app/audit.h"
#include "app/audit_place.h"
#include "audit/directory.h"
#include "audit/line_reader.h"
#include "base/text.h"
#include "base/time_text.h"
#include "config/units.h"

namespace intragate::app {
namespace {

constexpr int kLookAgain = 200;  // milliseconds, of tail --follow

// As records have it.
bool has_milliseconds(const std::string& typed) {
  constexpr std::size_t kPoint = 19;
  return typed.size() == kRfc3339Size && typed[kPoint] == '.' &&
         typed.find_first_not_of("0123456789", kPoint + 1) == kRfc3339Size - 1;
}

// "2026-11-28T10:00:00Z", "2026-11-28" (its beginning), "2h": so long ago, or the time of a record.
Result<std::string> moment(const std::string& typed) {
  std::string time;
  if (typed.empty()) return time;
  if (has_milliseconds(typed)) {
    const Result<WallTime> second = config::parse_utc(typed.substr(0, kRfc3339Size - 5) + "Z");
    if (second) return typed;
  }
  Result<WallTime> at = config::parse_utc(typed.find('T') == std::string::npos ? typed + "T00:00:00Z" : typed);
  if (!at) {
    const Result<Duration> ago = config::parse_duration(typed);
    if (!ago) {
      return make_error(
          Code::invalid_configuration,
          text::quoted(typed) + " is no moment: 2026-11-28T10:00:00Z, 2026-11-28, or 2h for two hours ago");
    }
    at = std::chrono::system_clock::now() - *ago;
  }
  append_rfc3339(time, *at);
  return time;
}

// As a table shows it; what JSON escapes stays escaped, so that nothing a client named can move a terminal's cursor.
std::string cell(std::string_view member) {
  std::string_view text = member;
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text.empty() || text == "null" ? "-" : std::string{text};
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

// Where lines go: a table, JSON lines or CSV, into a file or to standard output.
class Sink {
 public:
  static Result<Sink> open(const AuditQueryOptions& options) {
    Sink sink{options.format};
    if (!options.output_file.empty()) {
      sink.file_.reset(std::fopen(options.output_file.c_str(), "wbx"));
      if (!sink.file_) {
        return audit::io_error("cannot make the file " + options.output_file + " (one that exists is not touched)",
                               errno);
      }
      sink.out_ = sink.file_.get();
    }
    if (sink.format_ == "csv") sink.put(audit::csv_head());
    if (sink.format_ == "table") sink.put(head());
    return sink;
  }
  void line(std::string_view line) {
    if (format_ == "jsonl") return put(std::string{line} + "\n");
    put(format_ == "csv" ? audit::csv_row(line) : row(line));
  }
  void flush() { std::fflush(out_); }
  // Whether all of it was taken.
  [[nodiscard]] bool finish() { return std::fflush(out_) == 0 && std::ferror(out_) == 0; }

 private:
  struct Close {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  explicit Sink(std::string format) : format_{std::move(format)} {}
  void put(const std::string& text) { std::fwrite(text.data(), 1, text.size(), out_); }

  static std::string head() {
    return padded("TIME", kTime) + padded("KEY", 12) + padded("USER", 12) + padded("MODEL", 16) + padded("STATUS", 6) +
           padded("OUTCOME", 16) + padded("TOKENS", 11) + padded("TOTAL_MS", 10) + "ID\n";
  }
  static std::string row(std::string_view line) {
    const std::vector<std::string_view> members = audit::members_of(line);
    const auto of = [&](std::string_view name) {
      const auto& names = audit::columns();
      return cell(members[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())]);
    };
    const std::string event = of("event");
    if (event != "-") {
      return padded(of("time"), kTime) + padded(of("principal"), 12) + padded(of("address"), 12) + padded(event, 16) +
             padded("event", 6) + padded(of("outcome"), 16) + of("detail") + "\n";
    }
    return padded(of("time"), kTime) + padded(of("principal"), 12) + padded(of("end_user"), 12) +
           padded(of("model"), 16) + padded(of("status"), 6) + padded(of("outcome"), 16) +
           padded(of("prompt_tokens") + "+" + of("completion_tokens"), 11) + padded(of("total_ms"), 10) +
           of("request_id") + "\n";
  }

  static constexpr std::size_t kTime = kRfc3339Size;
  std::string format_;
  std::unique_ptr<FILE, Close> file_;
  FILE* out_ = stdout;
};

// What both verbs need before they read.
struct Reading {
  std::string directory;
  std::vector<audit::AuditFile> files;
  audit::Matcher matcher;
};

Result<Reading> prepare(AuditQueryOptions& options) {
  Result<AuditSource> source = find_audit(options.place);
  if (!source) return std::move(source).error();
  Result<std::string> since = moment(options.since);
  if (!since) return std::move(since).error();
  Result<std::string> until = moment(options.until);
  if (!until) return std::move(until).error();
  options.filter.since = *std::move(since);
  options.filter.until = *std::move(until);
  Result<std::vector<audit::AuditFile>> files = audit::list_files(source->directory);
  if (!files) return std::move(files).error();
  return Reading{source->directory, *std::move(files), audit::Matcher{options.filter}};
}

int wrong_use(const Error& error) {
  audit_says_no(error);
  return error.code == Code::invalid_configuration ? 2 : 1;
}

}  // namespace

int audit_query(AuditQueryOptions options) {
  Result<Reading> reading = prepare(options);
  if (!reading) return wrong_use(reading.error());
  Result<Sink> sink = Sink::open(options);
  if (!sink) return audit_says_no(sink.error());
  std::uint64_t left = options.limit > 0 ? options.limit : ~std::uint64_t{0};
  bool readable = true;
  for (const audit::AuditFile& file : reading->files) {
    Result<audit::LineReader> reader = audit::LineReader::open(file);
    if (!reader) {
      audit_says_no(reader.error());
      readable = false;
      continue;
    }
    while (left > 0) {
      const auto line = reader->next();
      if (!line) break;
      if (!reading->matcher.matches(*line)) continue;
      sink->line(*line);
      --left;
    }
    if (reader->failure()) {
      audit_says_no(*reader->failure());
      readable = false;
    }
  }
  return sink->finish() && readable ? 0 : 1;
}

int audit_tail(AuditQueryOptions options) {
  Result<Reading> reading = prepare(options);
  if (!reading) return wrong_use(reading.error());
  Result<Sink> sink = Sink::open(options);
  if (!sink) return audit_says_no(sink.error());

  // The last lines of the newest files; the newest stays open to be followed.
  std::deque<std::string> last;
  std::optional<audit::LineReader> reader;
  std::uint64_t number = 0;
  const std::size_t from = reading->files.size() > 2 ? reading->files.size() - 2 : 0;
  for (std::size_t i = from; i < reading->files.size(); ++i) {
    Result<audit::LineReader> opened = audit::LineReader::open(reading->files[i]);
    if (!opened) return audit_says_no(opened.error());
    reader.emplace(*std::move(opened));
    number = reading->files[i].number;
    while (const auto line = reader->next()) {
      if (!reading->matcher.matches(*line)) continue;
      last.emplace_back(*line);
      if (last.size() > options.limit) last.pop_front();
    }
  }
  for (const std::string& line : last) sink->line(line);
  while (options.follow && sink->finish()) {
    bool idle = true;
    while (reader) {
      const auto line = reader->next();
      if (!line) break;
      idle = false;
      if (reading->matcher.matches(*line)) sink->line(*line);
    }
    if (!idle) continue;
    Result<std::vector<audit::AuditFile>> files = audit::list_files(reading->directory);
    if (!files) return audit_says_no(files.error());
    const auto next =
        std::find_if(files->begin(), files->end(), [&](const auto& file) { return file.number > number; });
    if (next == files->end()) {
      ::poll(nullptr, 0, kLookAgain);
      continue;
    }
    Result<audit::LineReader> opened = audit::LineReader::open(*next);
    if (!opened) return audit_says_no(opened.error());
    reader.emplace(*std::move(opened));
    number = next->number;
  }
  return sink->finish() ? 0 : 1;
}

}  // namespace intragate::app
