// Small tokenizers by hand; tests/differential/test_tokenizer.py compares trained ones with Hugging Face's.
#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

namespace intragate::tokenizer {
namespace {

// A byte-level BPE that knows a, b, c, a space and what `merges` makes of them.
std::string byte_level(const std::string& more = "", const std::string& model = "") {
  return R"({"added_tokens":[{"id":90,"content":"<|end|>","special":true},
                             {"id":91,"content":"<mask>","special":true,"lstrip":true,"rstrip":true},
                             {"id":92,"content":"<think>","special":false}],)" +
         more +
         R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
            "model":{"type":"BPE",)" +
         model +
         R"("vocab":{"a":0,"b":1,"c":2,"Ġ":3,"ab":4,"abc":5,"Ġa":6,"Ã":7,"¤":8},
            "merges":["a b","ab c",["Ġ","a"]]}})";
}

std::size_t count(const std::string& json, std::string_view text) {
  const Result<Tokenizer> made = Tokenizer::make(json);
  EXPECT_TRUE(made) << made.error().message;
  if (!made) return 9999;
  const std::optional<std::size_t> found = made->count(text);
  EXPECT_TRUE(found) << text;
  return found.value_or(9999);
}

TEST(Tokenizer, JoinsWhatWasLearntFirst) {
  EXPECT_EQ(count(byte_level(), ""), 0U);
  EXPECT_EQ(count(byte_level(), "a"), 1U);
  EXPECT_EQ(count(byte_level(), "abc"), 1U);
  EXPECT_EQ(count(byte_level(), "abab"), 2U);
  EXPECT_EQ(count(byte_level(), "abcabc ab"), 4U);  // abc abc, Ġ ab: the pair a b was learnt before Ġ a
  EXPECT_EQ(count(byte_level(), "cba"), 3U);
  EXPECT_EQ(count(byte_level(), "ä"), 2U);  // its two bytes
}

TEST(Tokenizer, LongWordsAreCountedAsShortOnesAre) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "abc";
  EXPECT_EQ(count(byte_level(), text), 1000U);
  EXPECT_EQ(count(byte_level(), std::string(100, 'a')), 100U);
}

TEST(Tokenizer, AddedTokensAreOneEach) {
  EXPECT_EQ(count(byte_level(), "<|end|>"), 1U);
  EXPECT_EQ(count(byte_level(), "abc<|end|><|end|>abc"), 4U);
  EXPECT_EQ(count(byte_level(), "abc   <mask>   abc"), 3U);  // it takes the spaces around it
  EXPECT_EQ(count(byte_level(), "<think>a"), 2U);
  const Result<Tokenizer> made = Tokenizer::make(byte_level());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->special(), (std::vector<std::string>{"<|end|>", "<mask>"}));
}

TEST(Tokenizer, WholeWordsNeedNoMerges) {
  const std::string vocab = R"("vocab":{"a":0,"b":1,"ab":2},"merges":[]}})";
  const auto json = [&](const std::string& flag) {
    return R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"model":{"type":"BPE",)" + flag + vocab;
  };
  EXPECT_EQ(count(json(""), "ab"), 2U);
  EXPECT_EQ(count(json(R"("ignore_merges":true,)"), "ab"), 1U);
}

TEST(Tokenizer, CharactersFallBackToBytesOrToOneUnknown) {
  const auto json = [](const std::string& flags) {
    return R"({"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
               {"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
               "model":{"type":"BPE","unk_token":"<unk>",)" +
           flags + R"("vocab":{"<unk>":0,"▁":1,"a":2,"<0xC3>":3,"<0xA4>":4,"▁a":5},"merges":["▁ a"]}})";
  };
  EXPECT_EQ(count(json(""), "a a"), 2U);
  EXPECT_EQ(count(json(""), "ää"), 3U);                          // ▁ and two unknown ones
  EXPECT_EQ(count(json(R"("fuse_unk":true,)"), "ää"), 2U);       // ▁ and one
  EXPECT_EQ(count(json(R"("byte_fallback":true,)"), "ää"), 5U);  // ▁ and four bytes
}

TEST(Tokenizer, KnowsWhatItPutsAroundAText) {
  const auto frame = [](const std::string& processor) {
    const Result<Tokenizer> made = Tokenizer::make(byte_level("\"post_processor\":" + processor + ","));
    EXPECT_TRUE(made) << made.error().message;
    return made ? made->frame() : 99;
  };
  EXPECT_EQ(frame("null"), 0U);
  EXPECT_EQ(frame(R"({"type":"ByteLevel"})"), 0U);
  const std::string bos =
      R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]})";
  EXPECT_EQ(frame(bos), 1U);
  EXPECT_EQ(frame(R"({"type":"Sequence","processors":[{"type":"ByteLevel"},)" + bos + "]}"), 1U);
  EXPECT_EQ(frame(R"({"type":"RobertaProcessing"})"), 2U);
}

TEST(Tokenizer, RefusesWhatItWouldCountWrongly) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "tokenizer: the file is not one JSON object"},
      {"[]", "tokenizer: the file is not one JSON object"},
      {"{}", "tokenizer: the file has no `model`"},
      {R"({"model":{"type":"WordLevel","vocab":{}}})",
       "models of the kind `WordLevel` are not supported, only BPE, Word"},
      {R"({"model":{"type":"Unigram","vocab":{}}})", "has no list `vocab`"},
      {R"({"model":{"type":"Unigram","vocab":[["a"]]}})", "a token of `vocab` has no score"},
      {R"({"model":{"type":"Unigram","vocab":[["a","b"]]}})", "a token of `vocab` has no score"},
      {R"({"model":{"type":"WordPiece","vocab":[]}})", "has no `vocab`"},
      {R"({"model":{"type":"BPE","vocab":{}}})", "has no `vocab` and `merges`"},
      {R"({"model":{"vocab":{"a":-1},"merges":[]}})", "a token of `vocab` has no number"},
      {R"({"model":{"vocab":{"a":1},"merges":["a b"]}})", "one of its `merges` does not join two tokens to one"},
      {R"({"model":{"vocab":{"a":1},"merges":[["a"]]}})", "one of its `merges`"},
      {R"({"normalizer":{"type":"Precompiled"},"model":{"vocab":{},"merges":[]}})",
       "`precompiled_charsmap` is malformed"},
      {R"({"normalizer":{"type":"Nmt"},"model":{"vocab":{},"merges":[]}})", "normalizer `Nmt` is not"},
      {R"({"pre_tokenizer":{"type":"UnicodeScripts"},"model":{"vocab":{},"merges":[]}})", "`UnicodeScripts` is not"},
      {R"({"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"},"model":{"vocab":{},"merges":[]}})",
       "a pattern cannot be used"},
      {R"({"pre_tokenizer":{"type":"Split","pattern":{"Regex":"a"},"behavior":"Contiguous"},"model":{"vocab":{},"merges":[]}})",
       "behavior `Contiguous` is not supported"},
  };
  for (const auto& [json, problem] : cases) {
    const Result<Tokenizer> made = Tokenizer::make(json);
    ASSERT_FALSE(made) << json;
    EXPECT_EQ(made.error().code, Code::invalid_configuration);
    EXPECT_NE(made.error().message.find(problem), std::string::npos) << json << '\n' << made.error().message;
  }
}

TEST(Tokenizer, KnowsUnigramAndWordPieceFiles) {
  const std::string unigram = R"({"normalizer":{"type":"Strip"},"pre_tokenizer":{"type":"Metaspace"},
      "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["▁a",-1.5],["▁",-2],["b",-1e1]]}})";
  EXPECT_EQ(count(unigram, "a b"), 3U);
  EXPECT_EQ(count(unigram, "a xyz"), 3U);
  EXPECT_EQ(count(unigram, "  "), 0U) << "what is stripped away is no word";
  const std::string words = R"({"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
      "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
      "vocab":{"[UNK]":0,"a":1,"##b":2,".":3}}})";
  EXPECT_EQ(count(words, "Äb. x"), 4U);
}

TEST(Tokenizer, APatternThatTriesWithoutEndIsGivenUp) {
  const Result<Tokenizer> made = Tokenizer::make(
      R"({"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a+)+(a+)+$"},"behavior":"Isolated"},
          "model":{"vocab":{"a":0},"merges":[]}})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->count(std::string(3000, 'a') + "b"));
}

TEST(Tokenizer, BytesThatAreNoTextAreNotCounted) {
  const Result<Tokenizer> made = Tokenizer::make(byte_level());
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->count("a\xFF"));
}

}  // namespace
}  // namespace intragate::tokenizer
