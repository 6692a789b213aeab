#include "check/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/text.h"

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

TEST(JudgeStream, SaysTheErrorOfAStreamThatIsNothingElse) {
  Findings findings;
  judge_stream(stream({event(R"({"error":{"message":"out of memory"}})"), kDone}), Chat::chat, findings);
  EXPECT_EQ(with(findings, Verdict::bad), Ids{"S3"});
  EXPECT_NE(findings.back().detail.find("out of memory"), std::string::npos);
}

TEST(JudgeStream, WantsBothCountsAboveZero) {
  for (const char* counts : {R"({"prompt_tokens":4,"completion_tokens":0})",
                             R"({"prompt_tokens":0,"completion_tokens":9})", R"({"prompt_tokens":4})"}) {
    std::vector<std::string> blocks = healthy();
    blocks[11] = event(R"({"choices":[],"usage":)" + std::string{counts} + "}");
    EXPECT_EQ(bad_in_stream(blocks), Ids{"S6"}) << counts;
  }
}

TEST(JudgeStream, NoticesAStopThatWasACut) {
  std::vector<std::string> blocks = healthy();
  blocks[11] = event(R"({"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":40}})");
  Findings findings;
  judge_stream(stream(blocks), Chat::chat, findings);
  EXPECT_EQ(with(findings, Verdict::open), Ids{"S5"});
}

TEST(JudgeStream, FindsLongSilence) {
  using namespace std::chrono_literals;
  const auto verdict = [](Duration silence, Duration behind) {
    Answer answer = stream(healthy());
    for (std::size_t i = 5; i < answer.arrivals.size(); ++i) answer.arrivals[i].at = silence;
    answer.ended = silence + behind;
    Findings findings;
    judge_stream(answer, Chat::chat, findings);
    const auto found =
        std::find_if(findings.begin(), findings.end(), [](const Finding& one) { return one.id == "S8"; });
    return found == findings.end() ? std::optional<Verdict>{} : found->verdict;
  };
  EXPECT_EQ(verdict(15s, 0s), Verdict::good);
  EXPECT_EQ(verdict(16s, 0s), Verdict::open);
  EXPECT_EQ(verdict(1s, 16s), Verdict::open);
  EXPECT_EQ(verdict(300s, 0s), Verdict::bad);
}

Verdict characters_verdict(const std::vector<std::string>& blocks, Chat chat = Chat::chat) {
  Findings findings;
  judge_characters(stream(blocks), chat, findings);
  return findings.front().verdict;
}

TEST(JudgeCharacters, FindsBrokenOnes) {
  EXPECT_EQ(characters_verdict({word("你好"), word("😀"), kDone}), Verdict::good);
  EXPECT_EQ(characters_verdict({word(R"(\u4f60\ud83d\ude00)"), kDone}), Verdict::good);
  EXPECT_EQ(characters_verdict({event(R"({"choices":[{"index":0,"text":"你"}]})")}, Chat::completion), Verdict::good);
  for (const char* broken : {"\xE4\xBD", "\xEF\xBF\xBD", R"(\ud83d)", R"(\ude00)", R"(\ud83d\n)", R"(\ud83d-\ude00)"}) {
    EXPECT_EQ(characters_verdict({word("你好"), word(broken), kDone}), Verdict::bad) << broken;
  }
}

TEST(JudgeCharacters, SaysNothingOfAnswersWithoutAny) {
  EXPECT_EQ(characters_verdict({word("one"), kDone}), Verdict::open);
  EXPECT_EQ(characters_verdict({word(R"(\\ud83d)"), kDone}), Verdict::open);  // a backslash, and letters
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
  const std::string again = piece(R"({"index":0,"function":{"name":"weather","arguments":"ty\":1}"}})");
  EXPECT_EQ(tool_stream_verdict({first, again}), Verdict::bad);
  const std::string nameless = piece(R"({"index":0,"id":"a","function":{"arguments":"{}"}})");
  EXPECT_EQ(tool_stream_verdict({nameless}), Verdict::bad);
  const std::string moved = piece(R"({"index":1,"id":"a","function":{"arguments":"ty\":1}"}})");
  EXPECT_EQ(tool_stream_verdict({first, moved}), Verdict::bad);
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
  judge_malformed(json(R"({"error":{"message":"thinking budget exceeded"}})", 400), findings);
  EXPECT_EQ(findings[3].verdict, Verdict::open);  // Dify would ask again without thinking
  judge_empty_key(json(R"({"error":{"message":"no key"}})", 401), findings);
  judge_empty_key(json("no", 500), findings);
  judge_long_text(json(R"({"error":{"message":"too long"}})", 400), findings);
  judge_long_text(json("{}"), findings);
  EXPECT_EQ(findings[4].verdict, Verdict::good);
  EXPECT_EQ(findings[5].verdict, Verdict::open);
  EXPECT_EQ(findings[6].verdict, Verdict::good);
  EXPECT_EQ(findings[7].verdict, Verdict::open);
}

TEST(Excerpt, StaysOnOneLineAndShort) {
  EXPECT_EQ(excerpt("a\n\"b\""), "a\\n\"b\"");
  EXPECT_LT(excerpt(std::string(5000, 'x')).size(), 300U);
}

TEST(Excerpt, CutsBetweenCharacters) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string body(shift, 'x');
    for (int i = 0; i < 100; ++i) body += "😀";
    const std::string shown = excerpt(body);
    EXPECT_FALSE(text::first_illegal_byte(shown)) << shift;
    EXPECT_EQ(shown.find("\xEF\xBF\xBD"), std::string::npos) << shift;
    EXPECT_TRUE(shown.ends_with("😀…")) << shift;
  }
}

Verdict schema_verdict(const std::string& content) {
  Findings findings;
  judge_schema(json(R"({"choices":[{"message":{"content":")" + content + R"("}}]})"), findings);
  return findings.front().verdict;
}

TEST(JudgeSchema, ReadsWhatTheModelMadeOfIt) {
  EXPECT_EQ(schema_verdict(R"({\"city\":\"Paris\"})"), Verdict::good);
  for (const char* other :
       {"pong", R"({\"town\":\"Paris\"})", R"({\"city\":1})", R"(```json\n{\"city\":\"Paris\"}```)", ""}) {
    EXPECT_EQ(schema_verdict(other), Verdict::open) << other;
  }
  Findings findings;
  judge_schema(json(R"({"error":{"message":"no schemas here"}})", 400), findings);
  EXPECT_EQ(findings.front().verdict, Verdict::open);
  EXPECT_NE(findings.front().cure.find("not_supported"), std::string::npos);
}

TEST(JudgePicture, WantsARefusalToSaySo) {
  Findings findings;
  judge_picture(json("{}"), findings);
  judge_picture(json(R"({"error":{"message":"this model takes no images"}})", 400), findings);
  judge_picture(json(R"({"error":{"message":"invalid content"}})", 400), findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::open);
  EXPECT_EQ(findings[1].detail.find("does not say"), std::string::npos);
  EXPECT_NE(findings[2].detail.find("does not say"), std::string::npos);
}

TEST(JudgeConnection, FindsRedirectsAndSlowness) {
  Findings findings;
  judge_connection({.status = 200}, "/chat/completions", findings);
  judge_connection({.status = 308, .location = "https://elsewhere/"}, "/chat/completions", findings);
  judge_connection({.status = 200, .headed = std::chrono::seconds{31}}, "/chat/completions", findings);
  EXPECT_EQ(with(findings, Verdict::bad), Ids{"C1"});
  EXPECT_EQ(with(findings, Verdict::open), Ids{"C4"});
}

TEST(JudgeConnections, WantsAnAnswerOnEachAndOneThatIsGood) {
  Findings findings;
  judge_connections({.made = 200, .unanswered = 0, .succeeded = true}, findings);
  judge_connections({.made = 200, .unanswered = 1, .succeeded = true}, findings);
  judge_connections({.made = 3, .unanswered = 0, .succeeded = false}, findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::bad);
  EXPECT_EQ(findings[2].verdict, Verdict::open);
}

TEST(JudgeHandshake, SaysTheVersionOrWhatItFailedOf) {
  Findings findings;
  judge_handshake({.connected = true, .version = "TLSv1.3"}, {}, findings);
  judge_handshake({.connected = true, .failure = "certificate: self-signed certificate"}, {}, findings);
  config::EndpointTls showing;
  showing.certificate = "PEM";
  judge_handshake({.connected = true, .version = "TLSv1.2"}, showing, findings);
  EXPECT_EQ(findings[0].detail, "TLSv1.3");
  EXPECT_EQ(with(findings, Verdict::bad), Ids{"C2"});
  EXPECT_NE(findings[1].cure.find("REQUESTS_CA_BUNDLE"), std::string::npos);
  EXPECT_EQ(with(findings, Verdict::open), Ids{"C2"});
}

TEST(JudgeConcurrency, FindsTheKneeAndNothingWhereStreamsFail) {
  using namespace std::chrono_literals;
  Findings findings;
  EXPECT_EQ(judge_concurrency({{1, kNever}}, findings), 0U);
  EXPECT_EQ(findings.back().verdict, Verdict::open);
  EXPECT_EQ(judge_concurrency({{1, 100ms}, {2, 110ms}, {4, 120ms}}, findings), 4U);
  EXPECT_NE(findings.back().detail.find("more than 4"), std::string::npos);
  EXPECT_EQ(judge_concurrency({{1, 100ms}, {2, 110ms}, {4, 300ms}}, findings), 2U);
  EXPECT_EQ(findings.back().detail, "2 (alone 100 ms)");
  EXPECT_EQ(judge_concurrency({{1, 100ms}, {2, kNever}}, findings), 1U);
}

TEST(JudgeTopN, CountsTheResults) {
  Findings findings;
  judge_top_n(json(R"({"results":[{"index":2}]})"), findings);
  judge_top_n(json(R"({"results":[{"index":2},{"index":0}]})"), findings);
  judge_top_n(json("{}", 500), findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::bad);
  EXPECT_EQ(findings[2].verdict, Verdict::bad);
}

TEST(JudgeSpeech, WantsSoundAndNoStrangeVoices) {
  Findings findings;
  judge_speech({.status = 200, .content_type = "audio/mpeg", .body = "ID3"}, findings);
  judge_speech({.status = 200, .content_type = "audio/mpeg"}, findings);
  judge_unknown_voice(json(R"({"error":{"message":"voices: alloy"}})", 400), findings);
  judge_unknown_voice({.status = 200, .body = "ID3"}, findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::bad);
  EXPECT_EQ(findings[2].verdict, Verdict::good);
  EXPECT_EQ(findings[3].verdict, Verdict::open);
}

TEST(JudgeTranscription, WantsText) {
  Findings findings;
  judge_transcription(json(R"({"text":""})"), findings);
  judge_transcription(json(R"({"words":[]})"), findings);
  judge_transcription(json("{}", 500), findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  EXPECT_EQ(findings[1].verdict, Verdict::bad);
  EXPECT_EQ(findings[2].verdict, Verdict::bad);
}

TEST(JudgeTen, ComparesTenTextsWithOne) {
  using namespace std::chrono_literals;
  Findings findings;
  judge_ten(100ms, 300ms, findings);
  judge_ten(100ms, 330ms, findings);
  judge_ten(100ms, kNever, findings);
  judge_ten(kNever, kNever, findings);
  EXPECT_EQ(findings[0].verdict, Verdict::good);
  for (std::size_t i = 1; i < findings.size(); ++i) EXPECT_EQ(findings[i].verdict, Verdict::open) << i;
}

}  // namespace
}  // namespace intragate::check
