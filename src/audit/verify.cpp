#include "audit/verify.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "audit/directory.h"
#include "audit/file_check.h"
#include "audit/head.h"

namespace intragate::audit {
namespace {

using Checks = std::vector<std::unique_ptr<FileCheck>>;

// A file at a time for each thread; the largest of them is 4 GiB, so nobody waits long for the last one.
void run_all(const Checks& checks, unsigned threads) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < checks.size(); i = next++) checks[i]->run();
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < std::min<std::size_t>(threads, checks.size()); ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

// Puts together what was found of each file.
class Judge {
 public:
  Judge(const VerifyOptions& options, const Checks& checks) : options_{options}, checks_{checks} {}

  Verdict judge(const Result<std::optional<Head>>& head) {
    for (const auto& check : checks_) join(*check);
    if (!checks_.empty() && checks_.back()->torn > 0) {
      verdict_.remarks.emplace_back("the last line is not whole: it is being written, or a crash left it");
    }
    if (!head || !*head) {
      add({.kind = Break::Kind::no_head,
           .text = head ? "there is no head.json: whether records were cut off from the end cannot be told"
                        : head.error().message});
    } else {
      look_at(**head);
    }
    return std::move(verdict_);
  }

 private:
  void join(FileCheck& check) {
    if (check.first) {
      std::optional<Break> found;
      if (before_) {
        found = FileCheck::follow(*before_, check.first->seq, view(check.first->prev));
      } else {
        verdict_.first_seq = check.first->seq;
        found = beginning(*check.first);
      }
      if (found) {
        found->line = 1;
        check.add(std::move(*found));
        std::stable_sort(check.breaks.begin(), check.breaks.end(),
                         [](const Break& a, const Break& b) { return a.line < b.line; });
      }
      before_ = check.last;
    }
    if (check.torn > 0 && &check != checks_.back().get()) {
      check.add({.kind = Break::Kind::unreadable, .text = "its last line is not whole"});
    }
    ++verdict_.files;
    verdict_.records += check.records;
    verdict_.checkpoints += check.checkpoints;
    if (before_) verdict_.last = before_->link;
    if (check.at_head) at_head_ = check.at_head;
    verdict_.break_count += check.break_count;
    for (Break& found : check.breaks) {
      if (verdict_.breaks.size() < kMostBreaks) verdict_.breaks.push_back(std::move(found));
    }
  }

  // What came before the first record must never have been, or a record must say that it was removed.
  std::optional<Break> beginning(const FileCheck::First& first) {
    const Link gone{first.seq - 1, first.prev};
    if (gone == Link{}) return std::nullopt;
    for (const auto& check : checks_) {
      if (std::find(check->removed.begin(), check->removed.end(), gone) == check->removed.end()) continue;
      verdict_.remarks.push_back("records 1 to " + std::to_string(gone.seq) + " were removed, as the chain says");
      return std::nullopt;
    }
    if (gone.seq == 0) {
      return Break{.kind = Break::Kind::spliced, .seq = 1, .text = "record 1 follows a record that is not here"};
    }
    return Break{
        .kind = Break::Kind::missing,
        .seq = gone.seq,
        .text = "records 1 to " + std::to_string(gone.seq) + " are missing, and no record says that they were removed"};
  }

  void look_at(const Head& head) {
    const std::string named = std::to_string(head.last.seq);
    if (head.last.seq > verdict_.last.seq) {
      add({.kind = Break::Kind::cut,
           .seq = head.last.seq,
           .text = "the head names record " + named + ", the last one here is " + std::to_string(verdict_.last.seq) +
                   ": the end was cut off"});
    } else if (!at_head_ || *at_head_ != head.last.hash) {
      add({.kind = Break::Kind::rewritten,
           .seq = head.last.seq,
           .text = "record " + named + " is not the one that the head names"});
    }
    if (options_.key == nullptr) {
      if (!head.signature.empty())
        verdict_.remarks.emplace_back("the chain is signed; without the key that was not checked");
    } else if (!options_.key->verify(signed_text(head.last), head.signature)) {
      add({.kind = Break::Kind::bad_signature,
           .seq = head.last.seq,
           .text = head.signature.empty() ? "the head is not signed" : "the head is not signed with this key"});
    }
  }

  void add(Break found) {
    if (found.seq < options_.from && found.seq > 0) return;
    if (++verdict_.break_count <= kMostBreaks) verdict_.breaks.push_back(std::move(found));
  }

  const VerifyOptions& options_;
  const Checks& checks_;
  Verdict verdict_;
  std::optional<Before> before_;
  std::optional<HashText> at_head_;
};

}  // namespace

std::string_view break_name(Break::Kind kind) {
  switch (kind) {
    case Break::Kind::changed: return "changed";
    case Break::Kind::missing: return "missing";
    case Break::Kind::reordered: return "reordered";
    case Break::Kind::spliced: return "spliced";
    case Break::Kind::unreadable: return "unreadable";
    case Break::Kind::cut: return "cut";
    case Break::Kind::rewritten: return "rewritten";
    case Break::Kind::no_head: return "no_head";
    case Break::Kind::bad_signature: return "bad_signature";
  }
  return "";
}

Result<Verdict> verify(const VerifyOptions& options) {
  // Before the files: the gateway may go on writing, and what the head names is in them then.
  const Result<std::optional<Head>> head = read_head(options.directory);
  Result<std::vector<AuditFile>> files = list_files(options.directory);
  if (!files) return std::move(files).error();
  if (files->empty() && !(head && *head)) {
    return make_error(Code::io, "there are no audit files in " + options.directory);
  }
  const std::optional<Head> known = head ? *head : std::nullopt;
  Checks checks;
  for (const AuditFile& file : *files) checks.push_back(std::make_unique<FileCheck>(file, options, known));
  run_all(checks, options.threads);
  return Judge{options, checks}.judge(head);
}

}  // namespace intragate::audit
