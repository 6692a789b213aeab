#include "audit/found.h"

#include <algorithm>

#include "base/json_write.h"

namespace intragate::audit {
namespace {

// A head is a file that anybody with access could have written: no number beyond what a JSON reader takes for exact.
constexpr std::uint64_t kHighest = std::uint64_t{1} << 52;

}  // namespace

Link next_link(const Found& found) {
  Link link = found.last;
  if (found.head == Found::Head::ahead && found.head_seq < kHighest) link.seq = std::max(link.seq, found.head_seq);
  return link;
}

std::vector<std::string_view> found_words(const Found& found) {
  using Head = Found::Head;
  std::vector<std::string_view> words;
  if (!found.any_file && found.head == Head::none) return {"new"};
  if (!found.stopped) words.push_back("killed");
  if (found.torn_bytes > 0) words.push_back("torn_line");
  if (found.damaged) words.push_back("damaged");
  switch (found.head) {
    case Head::none: words.push_back("no_head"); break;
    case Head::unreadable: words.push_back("head_unreadable"); break;
    case Head::behind: words.push_back("head_behind"); break;
    case Head::ahead: words.push_back("head_ahead"); break;
    case Head::differs: words.push_back("head_differs"); break;
    case Head::fits: break;
  }
  if (found.head_unsigned) words.push_back("head_unsigned");
  if (words.empty()) words.push_back("clean");
  return words;
}

std::string found_json(const Found& found, std::string_view version) {
  std::string detail;
  json::Writer writer{detail};
  writer.open_object().text("version", version).open_array("found");
  for (const std::string_view word : found_words(found)) writer.element(word);
  writer.close_array()
      .number("last_seq", static_cast<std::int64_t>(found.last.seq))
      .number("head_seq", static_cast<std::int64_t>(std::min(found.head_seq, kHighest)))
      .number("torn_bytes", static_cast<std::int64_t>(found.torn_bytes))
      .close_object();
  return detail;
}

}  // namespace intragate::audit
