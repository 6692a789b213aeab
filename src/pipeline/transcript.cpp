#include "pipeline/transcript.h"

#include <algorithm>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/openai.h"
#include "dialect/screen_body.h"

namespace intragate::pipeline {
namespace {

// Without the first bytes of a character that does not end within the text.
std::string_view whole_characters(std::string_view text) {
  std::size_t end = text.size();
  std::size_t back = 0;
  while (end > 0 && back < 4 && (static_cast<unsigned char>(text[end - 1]) & 0xC0U) == 0x80U) {
    --end;
    ++back;
  }
  if (end == 0) return text;
  const auto lead = static_cast<unsigned char>(text[end - 1]);
  const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : lead >= 0xC0U ? 2 : 1;
  return back + 1 < length ? text.substr(0, end - 1) : text;
}

// All that is built in.
const content::Rule& personal_data() {
  static const content::Rule rule = [] {
    content::Rule all;
    all.name = "redacted";
    all.action = content::Action::mask;
    for (std::size_t kind = 0; kind < content::kBuiltInKinds; ++kind) all.kinds.set(kind);
    return all;
  }();
  return rule;
}

}  // namespace

Transcript::Transcript(config::Content content, std::size_t most, net::MemoryMeter& meter)
    : content_{content}, most_{most}, held_{meter} {
  if (content == config::Content::redacted) redact_with({});
}

void Transcript::redact_with(const content::Rules& rules) {
  rules_ = rules;
  rules_.push_back(&personal_data());
  tally_ = content::Tally{rules_.size()};
}

void Transcript::prompt(std::string_view body) {
  add(prompt_, body);
}

void Transcript::answer(std::string_view piece) {
  add(answer_, piece);
}

void Transcript::event(std::string_view data) {
  const std::string_view raw = dialect::openai::inspect_event(data).text;
  if (raw.empty()) return;
  const Result<std::string> text = json::unescape(raw);
  if (!text) return;
  if (content_ != config::Content::redacted) return add(answer_, *text);
  answer_.any = true;
  if (!filter_) filter_.emplace(rules_, tally_, content::Filter::Mode::masks);
  std::string masked;
  if (!answer_.cut) (void)filter_->feed(*text, masked);
  keep(answer_, masked);
}

void Transcript::add(Text& text, std::string_view piece) {
  const bool first = !text.any;
  text.any = true;
  if (content_ == config::Content::digest) {
    if (!text.hash) text.hash.emplace();
    text.hash->add(piece);
    return;
  }
  if (content_ != config::Content::redacted) return keep(text, piece);
  if (first) return add_redacted(text, piece);
  text.cut = true;
}

void Transcript::keep(Text& text, std::string_view piece) {
  const std::size_t room = most_ - std::min(most_, text.kept.size());
  text.cut = text.cut || piece.size() > room;
  text.kept.append(piece.substr(0, room));
  held_.set(prompt_.kept.capacity() + answer_.kept.capacity());
}

// A body, or the first piece of one, which is longer than what is kept: of it no more than that and what a finding at
// the end may need. First as JSON, for the sake of escapes, then as it stands, for the sake of all that is no text in
// it: numbers, names of members, ids.
void Transcript::add_redacted(Text& text, std::string_view body) {
  const std::string_view beginning = body.substr(0, most_ + content::kMostHeld);
  dialect::BodyScreen screen{beginning, rules_, tally_, content::Filter::Mode::masks,
                             dialect::BodyScreen::Copies::removed};
  while (!screen.step()) {
  }
  const std::optional<std::string> masked = screen.changed();
  content::Filter filter{rules_, tally_, content::Filter::Mode::masks};
  std::string out;
  (void)filter.feed(masked ? std::string_view{*masked} : beginning, out);
  text.cut = beginning.size() < body.size();
  if (!text.cut) (void)filter.finish(out);
  keep(text, out);
}

// Of what is cut nobody knows what the rest would have been.
void Transcript::finish_redacted() {
  if (!filter_ || answer_.cut) return;
  std::string rest;
  (void)filter_->finish(rest);
  filter_.reset();
  keep(answer_, rest);
}

std::string Transcript::json() {
  std::string out;
  json::Writer writer{out};
  const bool digest = content_ == config::Content::digest;
  const bool redacted = content_ == config::Content::redacted;
  if (redacted) finish_redacted();
  writer.open_object().text("kind", digest ? "digest" : redacted ? "redacted" : "full");
  bool cut = false;
  const auto show = [&](std::string_view name, Text& text) {
    if (!text.any) {
      writer.null(name);
    } else if (digest) {
      writer.text(name, "sha256:" + net::hex(text.hash->finish()));
    } else {
      cut = cut || text.cut;
      writer.text(name, text.cut ? whole_characters(text.kept) : std::string_view{text.kept});
    }
  };
  show("prompt", prompt_);
  show("answer", answer_);
  if (!digest) writer.flag("cut", cut);
  writer.close_object();
  return out;
}

}  // namespace intragate::pipeline
