// Every file below tests/golden/ is one exchange as readable text: what a client asks, what the model gets, what it
// answers and what the client gets then. Streams are cut at every byte, and must say the same each time.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/json_scan.h"
#include "base/text.h"
#include "dialect/openai.h"
#include "dialect/openai_read.h"
#include "pipeline/conversion.h"
#include "pipeline/mending.h"
#include "pipeline/stream.h"
#include "tests/unit/config/loading.h"
#include "tests/unit/golden_parts.h"
#include "tests/unit/grpc_notation.h"

namespace intragate::pipeline {
namespace {

// The lane of a file with one model, `m`, and this endpoint; `settings`: further lines of the model.
std::shared_ptr<const Snapshot> snapshot_of(const std::string& endpoint, const std::string& settings) {
  const std::string text = "models:\n  - name: m\n    endpoints:\n      - " + endpoint + "\n" +
                           (settings.empty() ? "" : "    " + settings + "\n");
  config::Loaded loaded = config::load(text);
  EXPECT_EQ(config::all_problems(loaded), "");
  auto snapshot = make_snapshot(std::make_shared<const config::Config>(std::move(loaded.config)), {}, nullptr, {});
  EXPECT_TRUE(snapshot);
  return snapshot ? *snapshot : nullptr;
}

net::BodyDecoder until_length(std::size_t length) {
  net::ResponseHead head;
  head.status = 200;
  head.framing = net::Framing::length;
  head.content_length = length;
  return net::BodyDecoder{head};
}

std::string_view end_name(Stream::End end) {
  constexpr std::array<std::string_view, 5> kNames{"open", "complete", "too_long", "model_error", "malformed"};
  return kNames[static_cast<std::size_t>(end)];
}

// `length`: of the body; more than there is of it: it breaks off.
struct Answer {
  std::string_view bytes;
  std::size_t length = 0;
};

std::string replay(Stream stream, const Answer& answer, std::size_t cut, std::size_t piece) {
  net::BodyDecoder body = until_length(answer.length);
  std::string said;
  std::string scratch;
  std::string buffer;
  Stream::Output out;
  for (std::size_t at = 0; out.end == Stream::End::open;) {
    const std::size_t size = std::min(at < cut ? cut - at : piece, answer.bytes.size() - at);
    buffer += answer.bytes.substr(at, size);
    at += size;
    out = size > 0 ? stream.take(buffer, body, scratch) : stream.finish(body, scratch);
    said += out.bytes;
    buffer.erase(0, out.consumed);
  }
  return said + "(" + std::string{end_name(out.end)} + ")";
}

// Without what differs by the cut alone: of text, where one event ends and the next begins.
std::string normal(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

const std::vector<std::pair<std::string_view, llm::Api>> kApis{{"/chat/completions", llm::Api::chat},
                                                               {"/completions", llm::Api::completions},
                                                               {"/embeddings", llm::Api::embeddings}};

// One file, read, and its request understood.
struct Case {
  explicit Case(const std::filesystem::path& path) : parts{read_parts(path)}, request{text("request")} {
    snapshot = snapshot_of(text("endpoint"), text("model"));
    const auto found =
        std::find_if(kApis.begin(), kApis.end(), [&](const auto& row) { return row.first == text("path"); });
    if (found != kApis.end()) name.api = found->second;
    Result<llm::Call> understood = dialect::openai::understand(name.api, request);
    EXPECT_TRUE(understood) << understood.error().message;
    if (understood) call = *std::move(understood);
    if (converter() == nullptr) return;
    Result<dialect::Sending> made =
        convert_request(lane(), *lane().endpoints[0], *converter(), {call, request, WallTime{}});
    EXPECT_EQ(made ? std::string{} : made.error().message, text("refused"));
    if (made) sending = *std::move(made);
  }

  [[nodiscard]] std::string text(std::string_view part) const {
    const auto found = parts.find(part);
    return found == parts.end() ? std::string{} : found->second;
  }
  [[nodiscard]] const Lane& lane() const { return *snapshot->find("m"); }
  [[nodiscard]] const dialect::Converter* converter() const { return lane().converters[0].get(); }

  // Whose bodies are written in a notation that people can read.
  [[nodiscard]] bool grpc() const {
    return converter() != nullptr && converter()->framing() == net::EventFraming::grpc;
  }

  Parts parts;
  std::string request;
  std::shared_ptr<const Snapshot> snapshot;
  dialect::openai::AnswerName name{llm::Api::chat, "id", 1700000000, "m"};
  llm::Call call;
  dialect::Sending sending;  // by a converter
};

// What the model gets; nothing: it was refused, with the words of the file.
std::optional<std::string> sent(const Case& file) {
  if (file.converter() != nullptr) {
    if (!file.text("refused").empty()) return std::nullopt;
    const std::string body = file.grpc() ? grpc_notation::readable(file.sending.body.substr(5)) : file.sending.body;
    return file.sending.path + '\n' + file.sending.headers + body;
  }
  const llm::Edits edits = dialect::openai::edits(file.call, file.request, file.lane().endpoints[0]->configured().model,
                                                  dialect::openai::AskUsage::yes);
  std::string body = file.request;
  for (std::size_t i = edits.count; i-- > 0;) {
    body.replace(edits.list[i].where.offset, edits.list[i].where.length, edits.list[i].text);
  }
  return file.text("path") + '\n' + body;
}

std::string converted(const Case& file, const std::string& answer) {
  llm::Delta said;
  file.converter()->answer(file.name.api, answer, said);
  dialect::ToolText{file.sending.tools}.apply(said, dialect::ToolText::Piece::last);
  if (said.malformed || said.failed) return dialect::openai::encode_refusal(500, file.converter()->refusal(answer));
  if (file.name.api != llm::Api::embeddings) return dialect::openai::encode_answer(file.name, said);
  const auto vectors = dialect::openai::wants_base64(file.request) ? dialect::openai::Vectors::base64
                                                                   : dialect::openai::Vectors::numbers;
  return dialect::openai::encode_embeddings(file.name, said, vectors);
}

// An answer of OpenAI's dialect; with a `status` it is a refusal.
std::string mended(const Case& file, std::string answer) {
  if (const std::string status = file.text("status"); !status.empty()) {
    return dialect::openai::mend_refusal(std::stoi(status), answer).value_or(answer);
  }
  answer = dialect::openai::rewrite_answer(answer, file.lane().model.reasoning).value_or(answer);
  dialect::openai::Mender mender{file.name};
  if (file.name.api == llm::Api::embeddings) return std::string{mender.mend_embeddings(answer, 7)};
  return std::string{mender.mend_answer(answer, 7)};
}

Stream stream_of(const Case& file) {
  const dialect::Reasoning reasoning = file.lane().model.reasoning;
  std::unique_ptr<Conversion> conversion;
  std::unique_ptr<Mending> mending;
  if (file.converter() != nullptr) {
    conversion = std::make_unique<Conversion>(*file.converter(), file.name, 7, reasoning, file.sending.tools);
  } else {
    mending = std::make_unique<Mending>(dialect::openai::Mender{file.name}, Mending::Repair::on, reasoning, 7);
  }
  const bool shown = file.converter() != nullptr || file.call.usage == llm::UsageWish::yes;
  return {Stream::Framing::plain, shown ? Stream::UsageEvents::shown : Stream::UsageEvents::hidden, 0,
          std::move(conversion), std::move(mending)};
}

// What the events of a stream say, and how it ends: of text, where one event ends and the next begins differs by the
// cut.
std::string words_of(std::string_view said) {
  constexpr std::string_view kField = "data: ";
  std::string words;
  while (said.starts_with(kField)) {
    const std::size_t end = said.find("\n\n");
    const std::string_view text = dialect::openai::inspect_event(said.substr(kField.size(), end - kField.size())).text;
    if (!text.empty()) json::append_text(words, text);
    said.remove_prefix(end + 2);
  }
  return words.append(said);
}

void expect_text_stream(const Case& file, const Answer& answer, const std::string& whole) {
  for (std::size_t cut = 1; cut < answer.bytes.size(); ++cut) {
    ASSERT_EQ(words_of(replay(stream_of(file), answer, cut, answer.bytes.size())), words_of(whole))
        << "at byte " << cut;
  }
  EXPECT_EQ(words_of(replay(stream_of(file), answer, 0, 1)), words_of(whole)) << "byte by byte";
}

void expect_stream(const Case& file, const std::string& bytes) {
  const std::string missing = file.text("missing");
  const Answer answer{bytes, bytes.size() + (missing.empty() ? 0 : std::stoul(missing))};
  const std::string whole = replay(stream_of(file), answer, bytes.size(), 1);
  EXPECT_EQ(normal(whole), normal(file.text("client")));
  if (file.converter() != nullptr && file.converter()->framing() == net::EventFraming::text)
    return expect_text_stream(file, answer, whole);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ASSERT_EQ(replay(stream_of(file), answer, cut, bytes.size()), whole) << "cut at byte " << cut;
  }
  EXPECT_EQ(replay(stream_of(file), answer, 0, 1), whole) << "byte by byte";
}

class Golden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, Exchange) {
  const Case file{GetParam()};
  ASSERT_NE(file.snapshot, nullptr);
  const std::optional<std::string> asked = sent(file);
  if (!asked) return;
  EXPECT_EQ(*asked, file.text("sent"));
  const std::string answer = file.grpc() ? grpc_notation::encoded(file.text("answer")) : file.text("answer");
  if (file.call.stream == llm::Stream::yes && file.text("status").empty()) return expect_stream(file, answer);
  EXPECT_EQ(file.converter() != nullptr ? converted(file, answer) : mended(file, answer), file.text("client"));
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files("golden")), [](const auto& file) {
  std::string name = file.param.parent_path().filename().string() + '_' + file.param.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !intragate::text::is_letter(c) && !intragate::text::is_digit(c); },
      '_');
  return name;
});

}  // namespace
}  // namespace intragate::pipeline
