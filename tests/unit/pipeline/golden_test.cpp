// Every file below tests/golden/ is one exchange as readable text: what a client asks, what the model gets, what it
// answers and what the client gets then. Streams are cut at every byte, and must say the same each time.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/text.h"
#include "dialect/openai.h"
#include "dialect/openai_read.h"
#include "pipeline/conversion.h"
#include "pipeline/mending.h"
#include "pipeline/stream.h"
#include "tests/unit/config/loading.h"
#include "tests/unit/golden_parts.h"

namespace intragate::pipeline {
namespace {

// The lane of a file with one model, `m`, and this endpoint.
std::shared_ptr<const Snapshot> snapshot_of(const std::string& endpoint) {
  const std::string text = "models:\n  - name: m\n    endpoints:\n      - " + endpoint + "\n";
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

std::string replay(Stream stream, std::string_view answer, std::size_t cut, std::size_t piece) {
  net::BodyDecoder body = until_length(answer.size());
  std::string said;
  std::string scratch;
  std::string buffer;
  Stream::Output out;
  for (std::size_t at = 0; out.end == Stream::End::open;) {
    const std::size_t size = std::min(at < cut ? cut - at : piece, answer.size() - at);
    buffer += answer.substr(at, size);
    at += size;
    out = stream.take(buffer, body, scratch);
    said += out.bytes;
    buffer.erase(0, out.consumed);
    if (size == 0 && out.end == Stream::End::open) return said + "(waits)";
  }
  return said + "(" + std::string{end_name(out.end)} + ")";
}

// Without what differs by the cut alone: of text, where one event ends and the next begins.
std::string normal(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class Golden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, Exchange) {
  const Parts parts = read_parts(GetParam());
  const auto text = [&](std::string_view name) {
    const auto found = parts.find(name);
    return found == parts.end() ? std::string{} : found->second;
  };
  const std::shared_ptr<const Snapshot> snapshot = snapshot_of(text("endpoint"));
  ASSERT_NE(snapshot, nullptr);
  const Lane& lane = *snapshot->find("m");
  const dialect::Converter& converter = *lane.converters[0];
  const std::string path = text("path");
  const llm::Api api = path == "/embeddings"    ? llm::Api::embeddings
                       : path == "/completions" ? llm::Api::completions
                                                : llm::Api::chat;

  const std::string request = text("request");
  Result<llm::Call> call = dialect::openai::understand(api, request);
  ASSERT_TRUE(call) << call.error().message;
  const Result<dialect::Sending> sending =
      convert_request(lane, *lane.endpoints[0], converter, {*call, request, WallTime{}});
  if (!sending) {
    EXPECT_EQ(sending.error().message, text("refused"));
    return;
  }
  EXPECT_EQ(sending->path + '\n' + sending->headers + sending->body, text("sent"));

  const dialect::openai::AnswerName name{api, "id", 1700000000, "m"};
  const std::string answer = text("answer");
  if (call->stream == llm::Stream::no) {
    llm::Delta said;
    converter.answer(api, answer, said);
    dialect::ToolText{sending->tools}.apply(said, dialect::ToolText::Piece::last);
    const auto vectors =
        dialect::openai::wants_base64(request) ? dialect::openai::Vectors::base64 : dialect::openai::Vectors::numbers;
    const std::string client = said.malformed || said.failed
                                   ? dialect::openai::encode_refusal(500, converter.refusal(answer))
                               : api == llm::Api::embeddings ? dialect::openai::encode_embeddings(name, said, vectors)
                                                             : dialect::openai::encode_answer(name, said);
    EXPECT_EQ(client, text("client"));
    return;
  }
  const auto stream = [&] {
    return Stream{Stream::Framing::plain, Stream::UsageEvents::shown, 0,
                  std::make_unique<Conversion>(converter, name, 7, lane.model.reasoning, sending->tools), nullptr};
  };
  EXPECT_EQ(normal(replay(stream(), answer, answer.size(), 1)), normal(text("client")));
  const std::string whole = replay(stream(), answer, answer.size(), 1);
  const bool cut_shows = converter.framing() == net::EventFraming::text;
  for (std::size_t cut = 1; cut < answer.size() && !cut_shows; ++cut) {
    ASSERT_EQ(replay(stream(), answer, cut, answer.size()), whole) << "cut at byte " << cut;
  }
  if (cut_shows) return;
  EXPECT_EQ(replay(stream(), answer, 0, 1), whole) << "byte by byte";
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
