#include <gtest/gtest.h>
#include <simdjson.h>

#include <array>
#include <string>

#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

TEST(EncodeError, HasTheShapeThatClientsRead) {
  EXPECT_EQ(
      encode_error(make_error(Code::unknown_model, "No model `x` here.")),
      R"({"error":{"message":"No model `x` here.","type":"invalid_request_error","param":null,"code":"model_not_found"}})");
}

TEST(EncodeError, NeverShowsTheDetail) {
  const Error error = make_error(Code::upstream_unreachable, "No answer.").because("10.0.0.5:8000 refused");
  EXPECT_EQ(encode_error(error).find("10.0.0.5"), std::string::npos);
}

TEST(EncodeError, IsShortAndOneLineWhateverTheMessage) {
  for (const std::string& piece :
       {std::string{"x"}, std::string{"\n"}, std::string{"\x01"}, std::string{"你"}, std::string{"\xFF"}}) {
    for (const int times : {0, 1, 500, 1000, 100'000}) {
      std::string message;
      for (int i = 0; i < times; ++i) message += piece;
      const std::string json = encode_error(make_error(Code::internal, message));
      EXPECT_LT(json.size(), 1024U);
      EXPECT_EQ(json.find('\n'), std::string::npos);
      simdjson::dom::parser parser;
      simdjson::dom::element document;
      ASSERT_EQ(parser.parse(json).get(document), simdjson::SUCCESS);
      std::string_view shown;
      ASSERT_EQ(document["error"]["message"].get(shown), simdjson::SUCCESS);
      EXPECT_TRUE(times > 100 || shown.size() == (piece == "\xFF" ? 3 * message.size() : message.size()));
      EXPECT_EQ(shown.find("\uFFFD") != std::string_view::npos,
                piece == "\xFF" && times > 0);  // not cut in a character
    }
  }
}

TEST(EncodeModels, ListsThem) {
  const std::array<ModelEntry, 2> models{{{.id = "a\"b",
                                           .created = 1700000000,
                                           .context_window = 32768,
                                           .kind = "chat",
                                           .capabilities = {"chat", "messages"}},
                                          {.id = "c", .created = 0, .kind = {}, .capabilities = {}}}};
  EXPECT_EQ(
      encode_models(models),
      R"({"object":"list","data":[{"id":"a\"b","object":"model","created":1700000000,"owned_by":"intragate",)"
      R"("context_window":32768,"kind":"chat","capabilities":["chat","messages"]},{"id":"c","object":"model","created":0,"owned_by":"intragate"}]})");
  EXPECT_EQ(encode_models({}), R"({"object":"list","data":[]})");
  EXPECT_EQ(encode_model(models[1]), R"({"id":"c","object":"model","created":0,"owned_by":"intragate"})");
}

TEST(DecodeModels, ReadsOpenAisList) {
  const auto ids =
      decode_models(R"({"object":"list","data":[{"id":"a","object":"model"},{"object":"model","id":"\u0062\/c"}]})");
  ASSERT_TRUE(ids);
  EXPECT_EQ(*ids, (std::vector<std::string>{"a", "b/c"}));
}

TEST(DecodeModels, ReadsOllamasListAndPrefersOpenAis) {
  EXPECT_EQ(*decode_models(R"({"models":[{"name":"llama3:8b","model":"x"}]})"), std::vector<std::string>{"llama3:8b"});
  EXPECT_EQ(*decode_models(R"({"models":[{"name":"x"}],"data":[{"id":"y"}]})"), std::vector<std::string>{"y"});
}

TEST(DecodeModels, ReadsAListOfNone) {
  EXPECT_TRUE(decode_models(R"({"data":[]})")->empty());
  EXPECT_TRUE(decode_models(R"({"object":"list","data":null})")->empty());
}

TEST(DecodeModels, LeavesOutEntriesWithoutAUsableId) {
  const std::string long_id(513, 'x');
  const auto ids = decode_models(R"({"data":[{"id":""},{"id":7},{},"x",null,{"id":"\ud800"},{"id":")" + long_id +
                                 R"("},{"id":"ok"}]})");
  ASSERT_TRUE(ids);
  EXPECT_EQ(*ids, std::vector<std::string>{"ok"});
}

TEST(DecodeModels, RefusesOtherAnswers) {
  std::string many = R"({"data":[{"id":"0"})";
  for (int i = 0; i < 10'000; ++i) many += R"(,{"id":"x"})";
  for (const std::string& body :
       {std::string{}, std::string{"<html>"}, std::string{"[]"}, std::string{"{}"}, std::string{R"({"data":{}})"},
        std::string{R"({"data":[{"id":"a"},]})"}, std::string{R"({"data":[{"id":"a"})"}, many + "]}"}) {
    const auto ids = decode_models(body);
    ASSERT_FALSE(ids) << body.substr(0, 100);
    EXPECT_EQ(ids.error().code, Code::upstream_malformed);
    EXPECT_EQ(ids.error().message, "The model server's list of models cannot be used.");
  }
}

}  // namespace
}  // namespace intragate::dialect::openai
