// Every file below tests/fronts/ is one exchange as readable text: what a client of an API laid over chat asks, what
// that is in chat, what the model answers there and what the client gets. Streams are cut at every byte.
#include "dialect/front.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "dialect/chat_draft.h"
#include "dialect/front_stream.h"
#include "dialect/openai_delta.h"
#include "tests/unit/golden_parts.h"

namespace intragate::dialect {
namespace {

llm::Api api_of(std::string_view name) {
  for (std::size_t i = 0; i < llm::kModelApis; ++i) {
    if (llm::api_name(static_cast<llm::Api>(i)) == name) return static_cast<llm::Api>(i);
  }
  ADD_FAILURE() << "no API " << name;
  return llm::Api::chat;
}

// A front that has understood the request.
std::unique_ptr<Front> asked(llm::Api api, const std::string& request) {
  std::unique_ptr<Front> front = front_of(api);
  (void)front->request(request);
  front->begin({llm::Api::chat, "id", 1700000000, "m"}, 7);
  return front;
}

std::string replay(Front& front, std::string_view stream, std::size_t cut, std::size_t piece) {
  FrontStream chat{front};
  std::string said;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t size = std::min(at < cut ? cut - at : piece, stream.size() - at);
    chat.take(stream.substr(at, size), said);
    at += size;
  }
  while (said.ends_with('\n')) said.pop_back();
  return said;
}

void expect_json_in_every_event(std::string_view stream) {
  simdjson::dom::parser parser;
  for (std::size_t at = stream.find("data: "); at != std::string_view::npos; at = stream.find("data: ", at + 1)) {
    if (at > 0 && stream[at - 1] != '\n') continue;
    const std::string_view data = stream.substr(at + 6, stream.find('\n', at) - at - 6);
    simdjson::dom::element element;
    EXPECT_EQ(parser.parse(simdjson::padded_string{data}).get(element), simdjson::SUCCESS) << data;
  }
}

class FrontFile : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(FrontFile, Exchange) {
  const intragate::Parts parts = read_parts(GetParam());
  const auto text = [&](std::string_view name) {
    const auto found = parts.find(name);
    return found == parts.end() ? std::string{} : found->second;
  };
  const llm::Api api = api_of(GetParam().parent_path().filename().string());
  const std::string request = text("request");
  const Result<std::string> chat = front_of(api)->request(request);
  if (!chat) {
    EXPECT_EQ(chat.error().message, text("refused"));
    return;
  }
  EXPECT_EQ(*chat, text("chat"));
  const std::string answer = text("answer");
  if (answer.empty()) return;
  if (!answer.starts_with("data:")) {
    llm::Delta said;
    openai::read_answer(answer, said);
    EXPECT_FALSE(said.malformed);
    EXPECT_EQ(asked(api, request)->answer(said), text("client"));
    return;
  }
  const std::string stream = answer + "\n\n";
  const std::string whole = replay(*asked(api, request), stream, stream.size(), 1);
  EXPECT_EQ(whole, text("client"));
  expect_json_in_every_event(whole);
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    ASSERT_EQ(replay(*asked(api, request), stream, cut, stream.size()), whole) << "cut at byte " << cut;
  }
  EXPECT_EQ(replay(*asked(api, request), stream, 0, 1), whole) << "byte by byte";
}

INSTANTIATE_TEST_SUITE_P(Files, FrontFile, testing::ValuesIn(golden_files("fronts")), [](const auto& file) {
  std::string name = file.param.parent_path().filename().string() + '_' + file.param.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !text::is_letter(c) && !text::is_digit(c); }, '_');
  return name;
});

TEST(Front, IsThereOnlyForApisThatModelsDoNotSpeak) {
  EXPECT_NE(front_of(llm::Api::messages), nullptr);
  EXPECT_NE(front_of(llm::Api::responses), nullptr);
  for (const llm::Api api : {llm::Api::chat, llm::Api::embeddings, llm::Api::speech, llm::Api::models}) {
    EXPECT_EQ(front_of(api), nullptr);
  }
}

TEST(Front, SaysErrorsInTheWordsOfTheApi) {
  const Error error = make_error(Code::queue_full, "Busy; \"later\".").because("10.0.0.5");
  EXPECT_EQ(front_of(llm::Api::messages)->error(told(error), "r"),
            R"({"type":"error","error":{"type":"rate_limit_error","message":"Busy; \"later\"."},"request_id":"r"})");
  EXPECT_EQ(front_of(llm::Api::responses)->error(told(error), "r"),
            R"({"error":{"message":"Busy; \"later\".","type":"rate_limit_error","param":null,"code":"queue_full"}})");
}

TEST(Front, AnErrorIsShortAndOneLineWhateverTheMessage) {
  for (const llm::Api api : {llm::Api::messages, llm::Api::responses}) {
    for (const std::string_view piece : {"x", "\n", "\x01", "你", "\xFF"}) {
      std::string message;
      for (int i = 0; i < 5000; ++i) message += piece;
      const Error error = make_error(Code::internal, message);
      const std::string body = front_of(api)->error(told(error), "id");
      EXPECT_LT(body.size(), 1024U);
      EXPECT_EQ(body.find('\n'), std::string::npos);
    }
  }
}

// A client that waits may be told that something failed before the model has said anything.
TEST(Front, AStreamMayFailBeforeItBegins) {
  const Error error = make_error(Code::upstream_timeout, "Too slow.");
  std::string messages;
  asked(llm::Api::messages, "{}")->fail(told(error), messages);
  EXPECT_EQ(messages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"Too "
            "slow.\"},\"request_id\":\"id\"}\n\n");
  std::string responses;
  asked(llm::Api::responses, "{}")->fail(told(error), responses);
  EXPECT_EQ(responses,
            "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"upstream_timeout\","
            "\"message\":\"Too slow.\",\"param\":null}\n\n");
}

TEST(Front, AStreamThatDoesNotSayItsEndHasOneAllTheSame) {
  const std::unique_ptr<Front> front = asked(llm::Api::messages, "{}");
  FrontStream chat{*front};
  std::string said;
  chat.take("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n", said);
  EXPECT_EQ(said.find("message_stop"), std::string::npos);
  chat.finish(said);
  EXPECT_NE(said.find("message_stop"), std::string::npos);
}

TEST(Front, WhatIsLongIsNotSaidAgainAndAgain) {
  const std::string tools = R"([{"type":"function","name":"f","description":")" + std::string(8000, 'x') + R"("}])";
  const std::unique_ptr<Front> front =
      asked(llm::Api::responses, R"({"model":"m","input":"Hi","tools":)" + tools + ",\"temperature\":0.5}");
  llm::Delta said;
  const std::string answer = front->answer(said);
  EXPECT_NE(answer.find("\"tools\":[]"), std::string::npos);
  EXPECT_NE(answer.find("\"temperature\":0.5"), std::string::npos);
}

TEST(Front, WhatIsSaidTwiceIsRepeatedOnce) {
  const std::unique_ptr<Front> front =
      asked(llm::Api::responses, R"({"model":"m","input":"Hi","metadata":{"a":"1"},"metadata":{"a":"2"},"tools":[}]})");
  llm::Delta said;
  const std::string answer = front->answer(said);
  EXPECT_EQ(answer.find("metadata", answer.find("metadata") + 1), std::string::npos);
}

// A model that begins call after call is bounded by what may be kept of an answer.
TEST(Front, CountsWhatItKeeps) {
  const std::unique_ptr<Front> front = asked(llm::Api::responses, R"({"model":"m","input":"Hi"})");
  std::string out;
  llm::Delta said;
  said.tools.push_back({.index = -1, .id = {}, .name = "f", .arguments = {}});
  std::size_t before = front->kept();
  for (int i = 0; i < 3; ++i) {
    front->event(said, out);
    EXPECT_GT(front->kept(), before);
    before = front->kept();
  }
  said.tools[0].name.assign(100'000, 'f');
  front->event(said, out);
  EXPECT_GT(front->kept(), before + 100'000);
}

TEST(Front, WhatNoRealRequestHasSoManyOfIsRefused) {
  const auto refused = [](llm::Api api, std::string_view before, std::string_view one, int count) {
    std::string body{before};
    for (int i = 0; i < count; ++i) body.append(i == 0 ? "" : ",").append(one);
    body += before.ends_with("\"tools\":[") ? "]}" : "]}]}";
    const Result<std::string> chat = front_of(api)->request(body);
    return !chat && chat.error().message.find("more than") != std::string::npos;
  };
  constexpr std::string_view kBlocks = R"({"model":"m","messages":[{"role":"user","content":[)";
  constexpr std::string_view kParts = R"({"model":"m","input":[{"role":"user","content":[)";
  constexpr std::string_view kTools =
      R"({"model":"m","input":"Hi","messages":[{"role":"user","content":"Hi"}],"tools":[)";
  constexpr std::string_view kMembers = R"({"model":"m","tools":[)";
  EXPECT_TRUE(refused(llm::Api::messages, kMembers, R"(],"a":[)", static_cast<int>(kMostMembers)));
  EXPECT_TRUE(refused(llm::Api::responses, kMembers, R"(],"a":[)", static_cast<int>(kMostMembers)));
  for (const int more : {0, 1}) {
    const int parts = static_cast<int>(kMostParts) + more;
    const int tools = static_cast<int>(kMostTools) + more;
    EXPECT_EQ(refused(llm::Api::messages, kBlocks, R"({"type":"text","text":""})", parts), more == 1);
    EXPECT_EQ(refused(llm::Api::responses, kParts, R"({"type":"input_text","text":""})", parts), more == 1);
    EXPECT_EQ(refused(llm::Api::messages, kTools, R"({"name":"f"})", tools), more == 1);
    EXPECT_EQ(refused(llm::Api::responses, kTools, R"({"type":"function","name":"f"})", tools), more == 1);
  }
}

TEST(Front, WhatIsNamedLikeADefaultFurtherInsideIsNone) {
  const std::unique_ptr<Front> front =
      asked(llm::Api::responses, R"({"model":"m","input":"Hi","metadata":{"tools":"x","instructions":"y"}})");
  llm::Delta said;
  const std::string answer = front->answer(said);
  EXPECT_NE(answer.find("\"tools\":[]"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\"instructions\":null"), std::string::npos) << answer;
}

}  // namespace
}  // namespace intragate::dialect
