#include "dialect/chat_draft.h"

#include <utility>

namespace intragate::dialect {

using json::Kind;
using json::Member;

std::string_view inside(std::string_view raw) {
  return raw.substr(1, raw.size() - 2);
}

std::string_view raw_or(const std::optional<Member>& member, std::string_view other) {
  return member && member->kind != Kind::null ? member->value : other;
}

bool is_string(const std::optional<Member>& member) {
  return member && member->kind == Kind::string;
}

std::optional<Member> member_of(const Member& object, std::string_view key) {
  std::optional<Member> found;
  if (object.kind != Kind::object) return found;
  json::ObjectScan scan{object.value};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, key)) found = member;
  }
  return found;
}

void Parts::add_text(std::string_view raw) {
  if (!text_.empty()) text_ += "\\n";
  text_ += inside(raw);
  add_part("{\"type\":\"text\",\"text\":" + std::string{raw} + "}");
}

void Parts::add_picture(std::string_view url) {
  only_text_ = false;
  add_part(R"({"type":"image_url","image_url":{"url":)" + std::string{url} + "}}");
}

void Parts::add_part(std::string_view part) {
  if (any_) list_ += ',';
  list_ += part;
  any_ = true;
}

Result<Unit> ChatDraft::another() {
  if (++parts_ <= kMostParts) return Unit{};
  return make_error(Code::invalid_request, "The request's conversation has more than 100,000 parts.");
}

void ChatDraft::open(std::string_view role) {
  if (!out_.empty()) out_ += ',';
  out_ += "{\"role\":\"";
  out_ += role;
  out_ += '"';
}

void ChatDraft::say(std::string_view role, std::string_view content) {
  end_turn();
  open(role);
  out_ += ",\"content\":";
  out_ += content;
  out_ += '}';
}

void ChatDraft::end_turn() {
  if (!system_.empty()) {
    open("system");
    out_ += ",\"content\":\"" + std::exchange(system_, {}) + "\"}";
  }
  if (!speaking_) return;
  speaking_ = false;
  open("assistant");
  out_ += ",\"content\":" + (text_.empty() && !calls_.empty() ? std::string{"null"} : '"' + text_ + '"');
  if (!reasoning_.empty()) out_ += ",\"reasoning_content\":\"" + reasoning_ + '"';
  if (!calls_.empty()) out_ += ",\"tool_calls\":[" + calls_ + ']';
  out_ += '}';
  text_.clear();
  reasoning_.clear();
  calls_.clear();
}

void ChatDraft::system(std::string_view text) {
  if (out_.empty() && !speaking_) {
    if (!system_.empty()) system_ += "\\n\\n";
    system_ += text;
  } else {
    say("system", '"' + std::string{text} + '"');
  }
}

void ChatDraft::user(std::string_view content) {
  say("user", content);
}

void ChatDraft::result(std::string_view call_id, std::string_view content) {
  end_turn();
  open("tool");
  out_ += ",\"tool_call_id\":";
  out_ += call_id;
  out_ += ",\"content\":";
  out_ += content;
  out_ += '}';
}

void ChatDraft::assistant(std::string_view text) {
  speaking_ = true;
  text_ += text;
}

void ChatDraft::reasoning(std::string_view text) {
  speaking_ = true;
  reasoning_ += text;
}

void ChatDraft::call(std::string_view id, std::string_view name, std::string_view arguments) {
  speaking_ = true;
  if (!calls_.empty()) calls_ += ',';
  calls_ += "{\"id\":" + std::string{id} + R"(,"type":"function","function":{"name":)" + std::string{name};
  calls_ += ",\"arguments\":" + std::string{arguments} + "}}";
}

std::string ChatDraft::list() {
  end_turn();
  return '[' + out_ + ']';
}

}  // namespace intragate::dialect
