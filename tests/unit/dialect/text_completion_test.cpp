#include "dialect/text_completion.h"

#include <gtest/gtest.h>

#include "dialect/front_stream.h"
#include "dialect/openai_delta.h"

namespace intragate::dialect::text_completion {
namespace {

TEST(TextCompletion, IsAskedAsWhatAUserSays) {
  const Result<std::string> chat = chat_request(
      R"({"model":"m","prompt":["a\nb"],"max_tokens":8,"stop":["x"],"n":1,"echo":false,"stream":true,"stream_options":{"include_usage":true},"top_k":4})");
  ASSERT_TRUE(chat);
  EXPECT_EQ(
      *chat,
      R"({"model":"m","max_tokens":8,"stop":["x"],"stream":true,"top_k":4,"messages":[{"role":"user","content":"a\nb"}]})");
}

TEST(TextCompletion, BringsNoMessagesOfTheClientsOwn) {
  const Result<std::string> chat = chat_request(R"({"model":"m","prompt":"a","messages":[{"role":"system"}]})");
  ASSERT_TRUE(chat);
  EXPECT_EQ(*chat, R"({"model":"m","messages":[{"role":"user","content":"a"}]})");
}

TEST(TextCompletion, RefusesWhatChatCannotDo) {
  for (const char* body : {R"({"prompt":["a","b"]})", R"({"prompt":[1,2]})", R"({"prompt":[]})", R"({"model":"m"})",
                           R"({"prompt":"a","echo":true})", R"({"prompt":"a","n":2})", R"({"prompt":"a","suffix":"b"})",
                           R"({"prompt":"a","logprobs":3})", R"({"prompt":"a","best_of":2})", R"({"prompt":"a")"}) {
    EXPECT_FALSE(chat_request(body)) << body;
  }
}

std::string stream(const std::string& request) {
  const std::unique_ptr<Front> front = make_front();
  EXPECT_TRUE(front->request(request));
  front->begin({llm::Api::chat, "id", 1, "m"}, 7);
  FrontStream chat{*front};
  std::string said;
  chat.take(
      "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
      said);
  return said;
}

TEST(TextCompletion, StreamsTextWithoutThoughts) {
  const std::string head = R"(data: {"id":"cmpl-id","object":"text_completion","created":1,"model":"m","choices":[)";
  const std::string events = head + "{\"index\":0,\"text\":\"Hi\",\"finish_reason\":null}]}\n\n" + head +
                             "{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n";
  EXPECT_EQ(stream(R"({"prompt":"a","stream":true})"), events + "data: [DONE]\n\n");
  EXPECT_EQ(stream(R"({"prompt":"a","stream":true,"stream_options":{"include_usage":true}})"),
            events + head + "],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1,\"total_tokens\":8}}\n\n" +
                "data: [DONE]\n\n");
}

}  // namespace
}  // namespace intragate::dialect::text_completion
