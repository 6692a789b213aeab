// Content rules over a streamed answer: each of its texts (of each choice the words, the thoughts, the arguments of
// each tool call) is looked through as it comes; what may still become a finding waits for the next event. Owner: one
// stream. Thread: its loop. Does not: frame events, know sockets (pipeline/screening.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_scan.h"
#include "content/filter.h"
#include "dialect/screen_body.h"
#include "llm/call.h"

namespace intragate::dialect::openai {

class EventScreen {
 public:
  // `rules` and `tally` must outlive this.
  EventScreen(llm::Api api, const content::Rules& rules, content::Tally& tally, BodyScreen::Copies copies)
      : rules_{rules}, tally_{tally}, api_{api}, copies_{copies} {}

  // An event as the client may have it, until the next call. `before`: an event to go in front of it, with what was
  // held back of a choice that ends; empty: none. When a rule refuses (Tally::refused) `data` ends where the finding
  // begins, and the answer must end there. What is no JSON is one text.
  struct Event {
    std::string_view before;
    std::string_view data;
  };
  [[nodiscard]] Event take(std::string_view data);
  // All that is still held back, as an event: the answer ends without more. Empty: nothing.
  [[nodiscard]] std::string_view rest();
  // The choice in which a rule refused.
  [[nodiscard]] std::int64_t refused_choice() const { return choice_; }
  [[nodiscard]] std::size_t held() const;

 private:
  // One text of the answer.
  struct Channel {
    std::int64_t choice = 0;
    std::int64_t tool = 0;
    std::string key;
    std::unique_ptr<content::Filter> filter{};
    std::string left{};  // what its end let go without a piece in the same event
  };
  // What an event has of it.
  struct Piece {
    llm::Span where;
    Channel* channel = nullptr;  // null: looked through on its own
    std::string plain{};
    std::string out{};
  };
  [[nodiscard]] bool take_choices(std::string_view data, std::size_t offset);
  [[nodiscard]] bool take_choice(std::string_view data, std::size_t offset);
  Event take_malformed(std::string_view data);
  void take_texts(std::string_view data, llm::Span in, std::string_view key);
  void take_text(std::string_view data, llm::Span where, std::string_view key, std::int64_t tool);
  void end_choice(std::int64_t choice);
  void end_channel(Channel& channel);
  Channel* channel_of(std::string_view key, std::int64_t tool);
  void note_name(const json::Member& member);
  std::string_view flush();
  void append_left(std::string& out, std::int64_t choice);

  const content::Rules& rules_;
  content::Tally& tally_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<Piece> pieces_;
  std::vector<llm::Edit> edits_;
  std::string names_;  // "id":…,"model":…, of the answer
  bool named_ = false;
  std::string data_;
  std::string before_;
  std::int64_t choice_ = 0;
  llm::Api api_;
  BodyScreen::Copies copies_;
};

}  // namespace intragate::dialect::openai
