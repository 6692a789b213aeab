#include "check/judge.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace intragate::check {
namespace {

Answer json(std::string body, int status = 200) {
  return {.status = status, .content_type = "application/json", .body = std::move(body)};
}

// A stream whose events came one by one.
Answer stream(const std::vector<std::string>& blocks) {
  Answer answer{.status = 200, .content_type = "text/event-stream", .chunked = true};
  for (const std::string& block : blocks) {
    answer.body += block;
    answer.arrivals.push_back({.at = {}, .size = answer.body.size()});
  }
  return answer;
}

std::string event(const std::string& data) {
  return "data: " + data + "\n\n";
}
std::string word(const std::string& text) {
  return event(R"({"choices":[{"index":0,"delta":{"content":")" + text + R"("},"finish_reason":null}]})");
}
const std::string kFinish = event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
const std::string kUsage = event(R"({"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":9}})");
const std::string kDone = event("[DONE]");

std::vector<std::string> healthy() {
  std::vector<std::string> blocks(10, word("a"));
  for (const std::string& end : {kFinish, kUsage, kDone}) blocks.push_back(end);
  return blocks;
}

// The ids of the findings with this verdict.
std::vector<std::string> with(const Findings& findings, Verdict verdict) {
  std::vector<std::string> ids;
  for (const Finding& finding : findings) {
    if (finding.verdict == verdict) ids.push_back(finding.id);
  }
  return ids;
}

std::vector<std::string> bad_in_stream(const std::vector<std::string>& blocks) {
  Findings findings;
  judge_stream(stream(blocks), Chat::chat, findings);
  return with(findings, Verdict::bad);
}

using Ids = std::vector<std::string>;

TEST(JudgeStream, IsHappyWithAHealthyOne) {
  EXPECT_EQ(bad_in_stream(healthy()), Ids{});
}

TEST(JudgeStream, AcceptsCommentsInBlocksOfTheirOwn) {
  std::vector<std::string> blocks = healthy();
  blocks.insert(blocks.begin() + 3, ": keep-alive\n\n");
  EXPECT_EQ(bad_in_stream(blocks), Ids{});
}

TEST(JudgeStream, FindsWhatStopsDifyFromReading) {
  for (const std::string& stray :
       {std::string{"event: message\ndata: {\"choices\":[]}\n\n"}, std::string{": comment\ndata: {}\n\n"},
        std::string{"hello\n\n"}, event("{\"choices\":[")}) {
    std::vector<std::string> blocks = healthy();
    blocks.insert(blocks.begin() + 3, stray);
    EXPECT_EQ(bad_in_stream(blocks).front(), "S2") << stray;
  }
}

TEST(JudgeStream, FindsCarriageReturns) {
  std::vector<std::string> blocks = healthy();
  blocks[2] = "data: {\"choices\":[]}\r\n\r\n";
  EXPECT_EQ(bad_in_stream(blocks).front(), "S2");
}

TEST(JudgeStream, FindsEventsWithoutChoicesOrDelta) {
  for (const char* data : {R"({"id":"x"})", R"({"choices":[{"index":0,"delta":null}]})"}) {
    std::vector<std::string> blocks = healthy();
    blocks.insert(blocks.begin(), event(data));
    EXPECT_EQ(bad_in_stream(blocks), Ids{"S3"}) << data;
  }
}

TEST(JudgeStream, FindsALump) {
  Answer answer = stream(healthy());
  answer.arrivals = {{.at = {}, .size = answer.body.size()}};
  Findings findings;
  judge_stream(answer, Chat::chat, findings);
  EXPECT_EQ(with(findings, Verdict::bad), Ids{"S4"});
}

TEST(JudgeStream, FindsAMissingEnd) {
  std::vector<std::string> blocks = healthy();
  blocks.erase(blocks.end() - 3);
  EXPECT_EQ(bad_in_stream(blocks), Ids{"S5"});
  blocks = healthy();
  std::swap(blocks[9], blocks[10]);  // text behind the finish_reason
  EXPECT_EQ(bad_in_stream(blocks), Ids{"S5"});
}

TEST(JudgeStream, FindsMissingCountsAndDone) {
  std::vector<std::string> blocks = healthy();
  blocks.erase(blocks.end() - 2);
  EXPECT_EQ(bad_in_stream(blocks), Ids{"S6"});
  blocks = healthy();
  blocks.pop_back();
  EXPECT_EQ(bad_in_stream(blocks), Ids{"S7"});
}

TEST(JudgeStream, FindsReasoningInPieces) {
  const std::string thought = event(R"({"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]})");
  std::vector<std::string> blocks = healthy();
  for (const std::string& block : {thought, event(R"({"choices":[{"index":0,"delta":{"content":""}}]})"), thought}) {
    blocks.insert(blocks.begin(), block);
  }
  EXPECT_EQ(bad_in_stream(blocks), Ids{"S10"});
}

TEST(JudgeStream, FindsBrokenCharacters) {
  std::vector<std::string> blocks = healthy();
  blocks[4] = word("\xE4\xBD");
  EXPECT_EQ(bad_in_stream(blocks), Ids{"S11"});
  blocks[4] = word("\xEF\xBF\xBD");
  EXPECT_EQ(bad_in_stream(blocks), Ids{"S11"});
}

TEST(JudgeStream, FindsWrongHeaders) {
  Answer answer = stream(healthy());
  answer.chunked = false;
  Findings findings;
  judge_stream(answer, Chat::chat, findings);
  EXPECT_EQ(with(findings, Verdict::bad), Ids{"S1"});
}

constexpr const char* kAnswer =
    R"({"object":"chat.completion","choices":[{"message":{"content":"pong"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}})";

std::vector<std::string> bad_in_answer(std::string body, int status = 200) {
  Findings findings;
  judge_answer(json(std::move(body), status), Chat::chat, findings);
  return with(findings, Verdict::bad);
}

TEST(JudgeAnswer, IsHappyWithAHealthyOne) {
  EXPECT_EQ(bad_in_answer(kAnswer), Ids{});
}

TEST(JudgeAnswer, FindsWhatDifysValidationRejects) {
  EXPECT_EQ(bad_in_answer(kAnswer, 201), Ids{"N1"});
  EXPECT_EQ(bad_in_answer("<html>"), Ids{"N1"});
  EXPECT_EQ(bad_in_answer(R"({"object":"chat","choices":[]})"), Ids{"N1"});
}

TEST(JudgeAnswer, FindsMissingTextAndCounts) {
  EXPECT_EQ(bad_in_answer(R"({"choices":[]})"), Ids{"N2"});
  EXPECT_EQ(
      bad_in_answer(R"({"choices":[{"message":{"content":null}}],"usage":{"prompt_tokens":1,"completion_tokens":1}})"),
      Ids{"N2"});
  EXPECT_EQ(bad_in_answer(R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":1}})"), Ids{"N2"});
}

Verdict tool_verdict(const std::string& call) {
  Findings findings;
  judge_tool_call(json(R"({"choices":[{"message":{"tool_calls":[)" + call + "]}}]}"), findings);
  return findings.front().verdict;
}

TEST(JudgeToolCall, LooksAtIdNameAndArguments) {
  EXPECT_EQ(tool_verdict(R"({"id":"1","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}})"),
            Verdict::good);
  EXPECT_EQ(tool_verdict(R"({"function":{"name":"weather","arguments":"{}"}})"), Verdict::bad);
  EXPECT_EQ(tool_verdict(R"({"id":"1","function":{"name":"weather","arguments":{"city":"Paris"}}})"), Verdict::bad);
  EXPECT_EQ(tool_verdict(R"({"id":"1","function":{"name":"weather","arguments":"{\"city\":"}})"), Verdict::bad);
  EXPECT_EQ(tool_verdict(""), Verdict::open);
}

std::string piece(const std::string& call) {
  return event(R"({"choices":[{"index":0,"delta":{"tool_calls":[)" + call + "]}}]}");
}

Verdict tool_stream_verdict(const std::vector<std::string>& pieces) {
  Findings findings;
  judge_tool_stream(stream(pieces), findings);
  return findings.front().verdict;
}

TEST(JudgeToolStream, PutsCallsTogetherAsDifyDoes) {
  const std::string first = piece(R"({"index":0,"id":"a","function":{"name":"weather","arguments":"{\"ci"}})");
  const std::string second = piece(R"({"index":0,"function":{"arguments":"ty\":1}"}})");
  const std::string other = piece(R"({"index":1,"id":"b","function":{"name":"weather","arguments":"{}"}})");
  EXPECT_EQ(tool_stream_verdict({first, second, other}), Verdict::good);
  EXPECT_EQ(tool_stream_verdict({first, other, second}), Verdict::bad);  // interleaved
  EXPECT_EQ(tool_stream_verdict({piece(R"({"index":0,"function":{"name":"weather","arguments":"{}"}})")}),
            Verdict::bad);
  EXPECT_EQ(tool_stream_verdict({piece(R"({"id":"a","function":{"name":"weather","arguments":"{}"}})")}), Verdict::bad);
  EXPECT_EQ(tool_stream_verdict({word("no")}), Verdict::open);
}

Verdict rerank_verdict(const std::string& results) {
  Findings findings;
  judge_rerank(json(R"({"results":[)" + results + "]}"), findings);
  return findings.front().verdict;
}

TEST(JudgeRerank, WantsAllDocumentsInRangeAndTheRightOneFirst) {
  EXPECT_EQ(
      rerank_verdict(
          R"({"index":2,"relevance_score":0.9},{"index":0,"relevance_score":0.1},{"index":1,"relevance_score":0.2})"),
      Verdict::good);
  EXPECT_EQ(
      rerank_verdict(
          R"({"index":2,"relevance_score":7.5},{"index":0,"relevance_score":-3},{"index":1,"relevance_score":0})"),
      Verdict::bad);
  EXPECT_EQ(rerank_verdict(R"({"index":2,"score":0.9},{"index":0,"score":0.1},{"index":1,"score":0.2})"), Verdict::bad);
  EXPECT_EQ(
      rerank_verdict(
          R"({"index":2,"relevance_score":0.1},{"index":0,"relevance_score":0.9},{"index":1,"relevance_score":0.2})"),
      Verdict::bad);
}

TEST(JudgeEmbeddings, ComparesAVectorWithTheSameOneAlone) {
  const Answer many = json(R"({"data":[{"embedding":[1,0]},{"embedding":[0,1]},{"embedding":[1,1]}]})");
  Findings findings;
  judge_embeddings(many, json(R"({"data":[{"embedding":[0,2]}]})"), findings);
  judge_embeddings(many, json(R"({"data":[{"embedding":[1,0]}]})"), findings);
  judge_embeddings(json(R"({"data":[{"embedding":[0,1]}]})"), many, findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::bad);
  EXPECT_EQ(findings[2].verdict, Verdict::bad);
}

TEST(JudgeEmbedding, RefusesStringsAndMissingCounts) {
  Findings findings;
  judge_embedding(json(R"({"model":"m","data":[{"embedding":[0.5,1e-3]}],"usage":{"total_tokens":1}})"), findings);
  judge_embedding(json(R"({"model":"m","data":[{"embedding":"AAAA"}],"usage":{"total_tokens":1}})"), findings);
  judge_embedding(json(R"({"model":"m","data":[{"embedding":[0.5]}]})"), findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::bad);
  EXPECT_EQ(findings[2].verdict, Verdict::bad);
}

TEST(JudgeRefusals, WantOneReadableSentence) {
  Findings findings;
  judge_wrong_key(json(R"({"error":{"message":"no"}})", 401), findings);
  judge_wrong_key(json("<html>no</html>", 401), findings);
  judge_wrong_key(json("{}", 200), findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::open);
  EXPECT_EQ(findings[2].verdict, Verdict::open);
}

TEST(Excerpt, StaysOnOneLineAndShort) {
  EXPECT_EQ(excerpt("a\n\"b\""), "a\\n\"b\"");
  EXPECT_LT(excerpt(std::string(5000, 'x')).size(), 300U);
}

}  // namespace
}  // namespace intragate::check
