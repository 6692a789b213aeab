#include "dialect/openai_screen.h"

#include <algorithm>
#include <array>

#include "base/json_write.h"
#include "dialect/texts.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

constexpr std::size_t kMostChannels = 256;  // what is beyond them is looked through event by event

template <std::size_t N>
bool is_one_of(std::string_view key, const std::array<std::string_view, N>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// What comes in pieces. All else is whole in its event.
constexpr std::array<std::string_view, 6> kStreamed{"content", "reasoning_content", "reasoning",
                                                    "text",    "arguments",         "refusal"};
// Names of the answer, the same in all its events.
constexpr std::array<std::string_view, 5> kNames{"id", "object", "created", "model", "system_fingerprint"};

}  // namespace

EventScreen::Event EventScreen::take(std::string_view data) {
  pieces_.clear();
  edits_.clear();
  bool good = true;
  json::ObjectScan scan{data};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "choices") && member->kind == Kind::array) {
      good = take_choices(data, member->offset) && good;
    } else if (is_one_of(member->key, kNames)) {
      note_name(*member);
    } else if (member->kind != Kind::number && member->key != "usage" && !tally_.refused) {
      take_texts(data, {member->offset, member->value.size()}, member->key);
    }
  }
  if (scan.failed() || !good) return take_malformed(data);
  named_ = named_ || !names_.empty();
  const std::string_view before = tally_.refused ? std::string_view{} : flush();
  for (Piece& piece : pieces_) {
    if (piece.out == piece.plain) continue;
    llm::Edit edit{piece.where, {}};
    json::append_string(edit.text, piece.out);
    edits_.push_back(std::move(edit));
  }
  if (edits_.empty()) return {before, data};
  std::sort(edits_.begin(), edits_.end(),
            [](const llm::Edit& a, const llm::Edit& b) { return a.where.offset < b.where.offset; });
  data_ = edited(data, edits_);
  return {before, data_};
}

void EventScreen::note_name(const Member& member) {
  if (named_) return;
  names_ += '"' + std::string{member.key} + "\":" + std::string{member.value} + ',';
}

// Clients will not be able to read it either; but it is shown to them.
EventScreen::Event EventScreen::take_malformed(std::string_view data) {
  data_.clear();
  content::Filter alone{rules_, tally_};
  if (!tally_.refused && alone.feed(data, data_)) (void)alone.finish(data_);
  return {{}, data_};
}

// False: they are not the JSON they should be.
bool EventScreen::take_choices(std::string_view data, std::size_t offset) {
  bool good = true;
  json::ArrayScan choices = json::ArrayScan::inside(data, offset);
  while (const std::optional<Member> choice = choices.next()) {
    if (choice->kind == Kind::object && !tally_.refused) good = take_choice(data, choice->offset) && good;
  }
  return good && !choices.failed();
}

bool EventScreen::take_choice(std::string_view data, std::size_t offset) {
  choice_ = 0;
  bool finished = false;
  json::ObjectScan first = json::ObjectScan::inside(data, offset);
  while (const std::optional<Member> member = first.next()) {
    if (json::key_is(*member, "index"))
      choice_ = static_cast<std::int64_t>(json::unsigned_number(member->value).value_or(0));
    if (json::key_is(*member, "finish_reason")) finished = member->kind == Kind::string;
  }
  json::ObjectScan scan = json::ObjectScan::inside(data, offset);
  while (const std::optional<Member> member = scan.next()) {
    if (tally_.refused) return true;
    if (member->kind == Kind::number || json::key_is(*member, "finish_reason")) continue;
    take_texts(data, {member->offset, member->value.size()}, member->key);
  }
  if (finished && !tally_.refused) end_choice(choice_);
  return !first.failed();
}

// The texts in a member's value.
void EventScreen::take_texts(std::string_view data, llm::Span in, std::string_view key) {
  // With its key, so that the scan knows it.
  const std::size_t key_at = static_cast<std::size_t>(key.data() - data.data()) - 1;
  const std::size_t base = key.empty() ? in.offset : key_at;
  TextScan scan{data.substr(base, in.offset + in.length - base)};
  while (const std::optional<Text> text = scan.next()) {
    const llm::Span where{base + text->where.offset, text->where.length};
    if (text->copy) {
      if (copies_ == BodyScreen::Copies::removed) edits_.push_back({where, "null"});
      continue;
    }
    take_text(data, where, text->key, text->index);
    if (tally_.refused) return;
  }
}

void EventScreen::take_text(std::string_view data, llm::Span where, std::string_view key, std::int64_t tool) {
  Piece& piece = pieces_.emplace_back();
  piece.where = where;
  json::append_text(piece.plain, data.substr(where.offset, where.length));
  piece.channel = is_one_of(key, kStreamed) ? channel_of(key, tool) : nullptr;
  if (piece.channel == nullptr) {
    content::Filter alone{rules_, tally_};
    if (alone.feed(piece.plain, piece.out)) (void)alone.finish(piece.out);
    return;
  }
  Channel& channel = *piece.channel;
  if (!channel.filter) channel.filter = std::make_unique<content::Filter>(rules_, tally_);
  (void)channel.filter->feed(piece.plain, piece.out);
}

EventScreen::Channel* EventScreen::channel_of(std::string_view key, std::int64_t tool) {
  for (const auto& channel : channels_) {
    if (channel->choice == choice_ && channel->tool == tool && channel->key == key) return channel.get();
  }
  if (channels_.size() == kMostChannels) return nullptr;
  channels_.push_back(std::make_unique<Channel>(Channel{.choice = choice_, .tool = tool, .key = std::string{key}}));
  return channels_.back().get();
}

// What is held goes to the channel's last piece in this event, or waits for an event in front of it.
void EventScreen::end_channel(Channel& channel) {
  if (!channel.filter) return;
  const auto piece =
      std::find_if(pieces_.rbegin(), pieces_.rend(), [&](const Piece& one) { return one.channel == &channel; });
  (void)channel.filter->finish(piece != pieces_.rend() ? piece->out : channel.left);
  channel.filter.reset();
}

void EventScreen::end_choice(std::int64_t choice) {
  for (const auto& channel : channels_) {
    if (channel->choice == choice && !tally_.refused) end_channel(*channel);
  }
}

std::string_view EventScreen::rest() {
  pieces_.clear();
  for (const auto& channel : channels_) {
    choice_ = channel->choice;
    if (!tally_.refused) end_channel(*channel);
    if (tally_.refused) break;
  }
  return flush();
}

std::size_t EventScreen::held() const {
  std::size_t held = 0;
  for (const auto& channel : channels_) held += channel->filter ? channel->filter->held() : 0;
  return held;
}

// The members of a delta that say what is left of a choice.
void EventScreen::append_left(std::string& out, std::int64_t choice) {
  std::string tools;
  std::string_view comma;
  for (const auto& channel : channels_) {
    if (channel->choice != choice || channel->left.empty()) continue;
    if (channel->key == "arguments") {
      tools += tools.empty() ? "" : ",";
      tools += "{\"index\":" + std::to_string(channel->tool) + ",\"function\":{\"arguments\":";
      json::append_string(tools, channel->left);
      tools += "}}";
    } else {
      const bool words = api_ == llm::Api::chat && channel->key == "text";  // a part of `content`
      out += comma;
      out += '"' + (words ? std::string{"content"} : channel->key) + "\":";
      json::append_string(out, channel->left);
      comma = ",";
    }
    channel->left.clear();
  }
  if (tools.empty()) return;
  out += comma;
  out += "\"tool_calls\":[" + tools + ']';
}

std::string_view EventScreen::flush() {
  before_.clear();
  for (const auto& channel : channels_) {
    if (channel->left.empty()) continue;
    const std::int64_t choice = channel->choice;
    std::string said;
    append_left(said, choice);
    before_ += before_.empty() ? '{' + names_ + "\"choices\":[" : ",";
    before_ += "{\"index\":" + std::to_string(choice) + ',';
    before_ += api_ == llm::Api::chat ? "\"delta\":{" + said + "}" : said;
    before_ += ",\"logprobs\":null,\"finish_reason\":null}";
  }
  if (!before_.empty()) before_ += "]}";
  return before_;
}

}  // namespace intragate::dialect::openai
