#include "pipeline/transcript.h"

#include <gtest/gtest.h>

namespace intragate::pipeline {
namespace {

using config::Content;

class TranscriptTest : public testing::Test {
 protected:
  net::MemoryMeter meter_;
  Transcript of(Content content, std::size_t most = 64) { return Transcript{content, most, meter_}; }
};

TEST_F(TranscriptTest, DigestsAreThoseOfTheWholeTexts) {
  Transcript kept = of(Content::digest, 1);
  kept.prompt("prompt");
  kept.answer("ans");
  kept.answer("wer");
  EXPECT_EQ(kept.json(), R"({"kind":"digest","prompt":"sha256:)" + net::sha256_hex("prompt") +
                             R"(","answer":"sha256:)" + net::sha256_hex("answer") + R"("})");
}

TEST_F(TranscriptTest, AnAnswerThatNeverCameIsNull) {
  EXPECT_EQ(of(Content::digest).json(), R"({"kind":"digest","prompt":null,"answer":null})");
  EXPECT_EQ(of(Content::full).json(), R"({"kind":"full","prompt":null,"answer":null,"cut":false})");
}

TEST_F(TranscriptTest, AStreamsAnswerIsItsText) {
  Transcript kept = of(Content::full);
  kept.event(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})");
  kept.event(R"({"choices":[{"index":0,"delta":{"content":"Gr\u00fc"}}]})");
  kept.event(R"({"choices":[{"index":0,"delta":{"content":"\u00dfe \"x\""}}]})");
  kept.event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
  kept.event("[DONE]");
  kept.event("");
  EXPECT_EQ(kept.json(), R"({"kind":"full","prompt":null,"answer":"Grüße \"x\"","cut":false})");
}

TEST_F(TranscriptTest, LongTextsAreCutBetweenCharactersAndSaySo) {
  for (std::size_t most = 1; most <= 9; ++most) {
    Transcript kept = of(Content::full, most);
    kept.prompt("äö€😀");  // 2 + 2 + 3 + 4 bytes
    const std::string whole = most < 2 ? "" : most < 4 ? "ä" : most < 7 ? "äö" : "äö€";
    EXPECT_EQ(kept.json(), R"({"kind":"full","prompt":")" + whole + R"(","answer":null,"cut":true})");
  }
}

TEST_F(TranscriptTest, RedactedTextsHaveMasksWhereverTheyAreCut) {
  for (std::size_t most = 1; most < 80; ++most) {
    Transcript kept = of(Content::redacted, most);
    kept.prompt(R"({"messages":[{"content":"a \u0031380013\u0038000 b"}],"user":"u"} )");
    kept.event(R"({"choices":[{"index":0,"delta":{"content":"x 13800"}}]})");
    kept.event(R"({"choices":[{"index":0,"delta":{"content":"138000"}}]})");
    const std::string json = kept.json();
    EXPECT_EQ(json.find("138"), std::string::npos) << json;
    EXPECT_EQ(json.find("1380"), std::string::npos) << json;
    if (most > 70) {
      EXPECT_EQ(
          json,
          R"({"kind":"redacted","prompt":"{\"messages\":[{\"content\":\"a [mobile_number] b\"}],\"user\":\"u\"} ",)"
          R"("answer":"x [mobile_number]","cut":false})");
    }
  }
}

TEST_F(TranscriptTest, OfACutPromptTheLastTextIsMaskedToo) {
  Transcript kept = of(Content::redacted, 2000);
  kept.prompt("{\"prompt\":\"" + std::string(1500, '.') + " 13800138000 " + std::string(500, '.') + "13800138000" +
              std::string(2000, '.'));
  const std::string json = kept.json();
  EXPECT_EQ(json.find("138"), std::string::npos);
  EXPECT_NE(json.find(R"("cut":true)"), std::string::npos);
  EXPECT_NE(json.find("[mobile_number]"), std::string::npos);
}

TEST_F(TranscriptTest, NumbersAndNamesOfMembersAreMaskedToo) {
  Transcript kept = of(Content::redacted, 200);
  kept.prompt(R"({"user":"a@b.cn","n":13800138000,"13800138000":true})");
  EXPECT_EQ(kept.json(), R"({"kind":"redacted","prompt":"{\"user\":\"[email]\",\"n\":[mobile_number],)"
                         R"(\"[mobile_number]\":true}","answer":null,"cut":false})");
}

TEST_F(TranscriptTest, RulesOfTheCallMaskToo) {
  content::Rule rule;
  rule.name = "own";
  rule.patterns.push_back(*content::Pattern::make("PRJ-[0-9]+"));
  Transcript kept = of(Content::redacted, 100);
  kept.redact_with({&rule});
  kept.prompt("PRJ-12 13800138000");
  EXPECT_EQ(kept.json(), R"({"kind":"redacted","prompt":"[own] [mobile_number]","answer":null,"cut":false})");
}

TEST_F(TranscriptTest, WhatIsKeptIsCountedAndBounded) {
  {
    Transcript kept = of(Content::full, 1000);
    for (int i = 0; i < 100; ++i) kept.answer(std::string(100, 'x'));
    EXPECT_GE(meter_.held(), 1000U);
    EXPECT_LE(meter_.held(), 4000U);
  }
  EXPECT_EQ(meter_.held(), 0U);
}

}  // namespace
}  // namespace intragate::pipeline
