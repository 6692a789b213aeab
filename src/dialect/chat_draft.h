// Puts a chat request's messages together, for the APIs laid over chat (front.h). Texts come and go as raw JSON
// strings, which can be joined without being read. Owner: one request. Thread: any (pure). Does not: know those APIs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_scan.h"
#include "base/result.h"

namespace intragate::dialect {

// A raw string without its quotes.
[[nodiscard]] std::string_view inside(std::string_view raw);
// The member's raw value; `other` where it is absent or null.
[[nodiscard]] std::string_view raw_or(const std::optional<json::Member>& member, std::string_view other);
[[nodiscard]] bool is_string(const std::optional<json::Member>& member);
// The last member of that name.
[[nodiscard]] std::optional<json::Member> member_of(const json::Member& object, std::string_view key);

// The content of one message: a text where there is nothing but texts (each on lines of its own), else a list of parts.
class Parts {
 public:
  void add_text(std::string_view raw);
  void add_picture(std::string_view url);  // raw
  [[nodiscard]] bool any() const { return any_; }
  [[nodiscard]] bool only_text() const { return only_text_; }
  [[nodiscard]] std::string content() const { return only_text_ ? '"' + text_ + '"' : '[' + list_ + ']'; }
  [[nodiscard]] std::string_view text() const { return text_; }  // without quotes

 private:
  void add_part(std::string_view part);

  std::string text_;
  std::string list_;
  bool only_text_ = true;
  bool any_ = false;
};

// Many short things are dearer than their bytes: what no real request has is refused before it keeps a loop busy.
inline constexpr std::size_t kMostMembers = 10'000;  // of the body
inline constexpr std::size_t kMostTools = 10'000;
inline constexpr std::size_t kMostParts = 100'000;  // of all messages together

class ChatDraft {
 public:
  // Counts a part of the conversation. Errors: invalid_request: there are too many.
  [[nodiscard]] Result<Unit> another();
  // What the system says first is one message, however many it comes in: many templates know only one.
  void system(std::string_view text);  // without quotes
  void user(std::string_view content);
  void result(std::string_view call_id, std::string_view content);  // of a tool
  // All that the assistant says until somebody else speaks is one message.
  void assistant(std::string_view text);  // without quotes
  void reasoning(std::string_view text);  // without quotes
  void call(std::string_view id, std::string_view name, std::string_view arguments);

  [[nodiscard]] bool empty() const { return out_.empty() && system_.empty() && !speaking_; }
  // [{"role":…},…]
  [[nodiscard]] std::string list();

 private:
  void open(std::string_view role);
  void say(std::string_view role, std::string_view content);
  void end_turn();

  std::string out_;
  std::string system_;  // as long as nobody else has spoken
  std::string text_;    // of the assistant
  std::string reasoning_;
  std::string calls_;
  std::size_t parts_ = 0;
  bool speaking_ = false;
};

}  // namespace intragate::dialect
