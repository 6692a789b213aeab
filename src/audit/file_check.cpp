#include "audit/file_check.h"

#include "audit/line_reader.h"
#include "audit/record.h"
#include "base/json_scan.h"

namespace intragate::audit {
namespace {

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

// A text member of an object, as it is written; empty: none.
std::string_view text_in(std::string_view object, std::string_view key) {
  json::ObjectScan scan{object};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->key == key && member->kind == json::Kind::string) {
      return member->value.substr(1, member->value.size() - 2);
    }
  }
  return {};
}

std::uint64_t number_in(std::string_view object, std::string_view key) {
  json::ObjectScan scan{object};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->key == key) return json::unsigned_number(member->value).value_or(0);
  }
  return 0;
}

std::string_view detail_of(std::string_view line) {
  json::ObjectScan scan{line};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->key == "detail" && member->kind == json::Kind::object) return member->value;
  }
  return {};
}

}  // namespace

std::optional<Break> FileCheck::follow(const Before& before, std::uint64_t seq, std::string_view prev) {
  const std::uint64_t due = before.link.seq + 1;
  Break found{.seq = seq};
  if (seq > due) {
    found.kind = Break::Kind::missing;
    found.seq = due;
    found.text = due + 1 == seq ? "record " + number(due) + " is missing before record " + number(seq)
                                : "records " + number(due) + " to " + number(seq - 1) + " are missing";
    return found;
  }
  if (seq < due) {
    found.kind = Break::Kind::reordered;
    found.text = "record " + number(seq) + " stands behind record " + number(before.link.seq);
    return found;
  }
  if (prev == view(before.link.hash) || prev == view(before.computed)) return std::nullopt;
  found.kind = Break::Kind::spliced;
  found.text = "record " + number(seq) + " does not follow the record before it: one of the two was put in or replaced";
  return found;
}

void FileCheck::add(Break found) {
  if (found.seq < options_.from && found.seq > 0) return;
  found.file = file_.name();
  if (++break_count <= kMostBreaks) breaks.push_back(std::move(found));
}

void FileCheck::run() {
  Result<LineReader> reader = LineReader::open(file_);
  if (!reader) return add({.kind = Break::Kind::unreadable, .text = reader.error().message});
  while (const auto line = reader->next()) {
    line_ = reader->line();
    take(*line);
  }
  torn = reader->torn();
  if (reader->failure()) {
    add({.kind = Break::Kind::unreadable, .line = line_ + 1, .text = reader->failure()->message});
  }
}

void FileCheck::take(std::string_view line) {
  const std::optional<SealedLine> record = read_sealed(line);
  if (!record) {
    return add({.kind = Break::Kind::unreadable,
                .line = line_,
                .seq = first ? last.link.seq + 1 : 0,
                .text = "this line is no record"});
  }
  ++records;
  const HashText computed = computed_hash(*record);
  const HashText written = *parse_hash(record->hash);
  if (computed != written) {
    // Nothing it says can be believed, its number included.
    const std::uint64_t seq = first ? last.link.seq + 1 : record->seq;
    add({.kind = Break::Kind::changed,
         .line = line_,
         .seq = seq,
         .text = "record " + number(seq) + " was changed: its hash does not fit its bytes"});
    if (!first) first = First{seq, *parse_hash(record->prev)};
    last = {{seq, written}, computed};
    return;
  }
  std::optional<Break> found;
  if (first) found = follow(last, record->seq, record->prev);
  if (!first) first = First{record->seq, *parse_hash(record->prev)};
  if (found) {
    found->line = line_;
    const bool behind = found->kind == Break::Kind::reordered;
    add(std::move(*found));
    if (behind) return;  // what follows is measured by the place it was taken from
  }
  last = {{record->seq, written}, written};
  if (head_ && record->seq == head_->last.seq) at_head = written;
  take_event(line, *record);
}

void FileCheck::take_event(std::string_view line, const SealedLine& record) {
  const std::string_view event = event_name(line);
  if (event == "checkpoint") check_signature(detail_of(line), record);
  if (event != "removed") return;
  const std::string_view detail = detail_of(line);
  const std::optional<HashText> hash = parse_hash(text_in(detail, "last_hash"));
  if (hash) removed.push_back({number_in(detail, "last_seq"), *hash});
}

void FileCheck::check_signature(std::string_view detail, const SealedLine& record) {
  if (options_.key == nullptr) return;
  ++checkpoints;
  if (options_.key->verify(signed_text({record.seq - 1, *parse_hash(record.prev)}), text_in(detail, "signature")))
    return;
  add({.kind = Break::Kind::bad_signature,
       .line = line_,
       .seq = record.seq,
       .text = "the checkpoint in record " + number(record.seq) + " is not signed with this key"});
}

}  // namespace intragate::audit
