#include "dialect/openai_whole.h"

#include <algorithm>

#include "base/json_scan.h"
#include "base/text.h"
#include "dialect/openai.h"
#include "dialect/openai_delta.h"
#include "net/sse.h"

namespace intragate::dialect::openai {
namespace {

// Whether it says nothing of a second choice.
bool has_one_choice(std::string_view data) {
  std::optional<json::Member> choices;
  json::ObjectScan scan{data};
  while (const std::optional<json::Member> member = scan.next()) {
    if (json::key_is(*member, "choices") && member->kind == json::Kind::array) choices = member;
  }
  if (!choices) return true;
  json::ArrayScan list{choices->value};
  const std::optional<json::Member> first = list.next();
  if (!first) return true;
  json::ObjectScan members{first->value};
  while (const std::optional<json::Member> member = members.next()) {
    if (json::key_is(*member, "index") && member->value != "0") return false;
  }
  return !list.next();
}

// Pieces of a tool call become one; those of the mender have numbers.
void add_tool(std::vector<llm::ToolPiece>& tools, llm::ToolPiece piece) {
  const auto same = [&](const llm::ToolPiece& tool) { return tool.index == piece.index; };
  const auto found = std::find_if(tools.begin(), tools.end(), same);
  if (found == tools.end()) return tools.push_back(std::move(piece));
  if (found->id.empty()) found->id = std::move(piece.id);
  if (found->name.empty()) found->name = std::move(piece.name);
  found->arguments += piece.arguments;
}

// What a stream says in all.
class Gathering {
 public:
  explicit Gathering(Mender mender) : mender_{std::move(mender)} {}

  void take(std::string_view data) {
    const std::string_view mended = is_done(data) ? std::string_view{} : mender_.mend_event(data);
    if (mended.empty()) return;
    piece_.clear();
    read_event(mended, piece_);
    failed_ = failed_ || piece_.failed || piece_.malformed || !has_one_choice(mended);
    seen_ = true;
    all_.text += piece_.text;
    all_.reasoning += piece_.reasoning;
    if (!piece_.finish.empty()) all_.finish = piece_.finish;
    if (piece_.usage) all_.usage = piece_.usage;
    for (llm::ToolPiece& tool : piece_.tools) add_tool(all_.tools, std::move(tool));
  }
  [[nodiscard]] bool good() const { return seen_ && !failed_; }
  [[nodiscard]] llm::Delta& said() { return all_; }

 private:
  Mender mender_;
  llm::Delta all_;
  llm::Delta piece_;
  bool seen_ = false;
  bool failed_ = false;
};

void append_event(std::string& out, std::string_view data) {
  out += "data: ";
  out += data;
  out += "\n\n";
}

}  // namespace

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view kStream = "text/event-stream";
  return text::lower(content_type.substr(0, kStream.size())) == kStream;
}

std::optional<std::string> whole_of_events(const NamedElsewhere& name, Mender mender, std::string_view events) {
  if (name.api != llm::Api::chat) return std::nullopt;
  Gathering all{std::move(mender)};
  net::SseReader reader{events.size() + 1};
  bool ended = false;
  for (;;) {
    const net::SseReader::Step step = ended ? reader.finish() : reader.step(events);
    events.remove_prefix(ended ? 0 : step.consumed);
    if (step.state == net::SseReader::State::event) {
      if (step.event.kind == net::SseEvent::Kind::data) all.take(step.event.data);
    } else if (ended) {
      break;
    } else {
      ended = true;
    }
  }
  if (!all.good()) return std::nullopt;
  return encode_answer(name.name(), all.said());
}

std::optional<std::string> events_of_whole(const NamedElsewhere& name, std::string_view answer, ShowUsage usage) {
  if (name.api != llm::Api::chat) return std::nullopt;
  llm::Delta said;
  read_answer(answer, said);
  if (said.malformed || said.failed || !has_one_choice(answer)) return std::nullopt;
  if (said.finish.empty()) said.finish = "stop";
  ChunkWriter writer{name.name()};
  std::string out;
  std::string event;
  writer.write(said, event);
  append_event(out, event);
  if (said.usage && usage == ShowUsage::yes) {
    event.clear();
    writer.write_usage(*said.usage, event);
    append_event(out, event);
  }
  append_event(out, "[DONE]");
  return out;
}

}  // namespace intragate::dialect::openai
