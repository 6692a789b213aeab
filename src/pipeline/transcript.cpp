#include "pipeline/transcript.h"

#include <algorithm>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/openai.h"

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

}  // namespace

Transcript::Transcript(config::Content content, std::size_t most, net::MemoryMeter& meter)
    : content_{content}, most_{most}, held_{meter} {}

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
  if (text) add(answer_, *text);
}

void Transcript::add(Text& text, std::string_view piece) {
  text.any = true;
  text.bytes += piece.size();
  if (content_ == config::Content::digest) {
    if (!text.hash) text.hash.emplace();
    text.hash->add(piece);
    return;
  }
  text.kept.append(piece.substr(0, most_ - std::min(most_, text.kept.size())));
  held_.set(prompt_.kept.capacity() + answer_.kept.capacity());
}

std::string Transcript::json() {
  std::string out;
  json::Writer writer{out};
  const bool digest = content_ == config::Content::digest;
  writer.open_object().text("kind", digest ? "digest" : "full");
  bool cut = false;
  const auto show = [&](std::string_view name, Text& text) {
    if (!text.any) {
      writer.null(name);
    } else if (digest) {
      writer.text(name, "sha256:" + net::hex(text.hash->finish()));
    } else {
      const bool shortened = text.bytes > text.kept.size();
      cut = cut || shortened;
      writer.text(name, shortened ? whole_characters(text.kept) : std::string_view{text.kept});
    }
  };
  show("prompt", prompt_);
  show("answer", answer_);
  if (!digest) writer.flag("cut", cut);
  writer.close_object();
  return out;
}

}  // namespace intragate::pipeline
