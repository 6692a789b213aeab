#include "dialect/tool_text.h"

#include <gtest/gtest.h>

#include "prompt/built_in.h"

namespace intragate::dialect {
namespace {

using config::ToolCalls;
using Piece = ToolText::Piece;

struct Said {
  std::string text;
  std::vector<llm::ToolPiece> tools;
};

ToolText reader(ToolCalls form) {
  return ToolText{{.form = form, .names = {"weather", "clock"}}};
}

// The text in pieces that end at `cuts`.
Said read(ToolCalls form, std::string_view text, const std::vector<std::size_t>& cuts) {
  ToolText tools = reader(form);
  Said said;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    llm::Delta delta;
    const std::size_t to = i < cuts.size() ? cuts[i] : text.size();
    delta.text = text.substr(from, to - from);
    from = to;
    tools.apply(delta, i < cuts.size() ? Piece::more : Piece::last);
    said.text += delta.text;
    for (llm::ToolPiece& call : delta.tools) said.tools.push_back(std::move(call));
  }
  return said;
}

// "name arguments id; …"
std::string shown(const Said& said) {
  std::string out;
  for (const llm::ToolPiece& call : said.tools) {
    out += call.name + ' ' + call.arguments + (call.id.empty() ? "" : ' ' + call.id) + "; ";
  }
  return out;
}

struct Case {
  ToolCalls form;
  std::string text;   // as the model writes it
  std::string calls;  // `shown`
  std::string rest;   // what stays text
};

const std::vector<Case>& cases() {
  const std::string weather = R"({"name": "weather", "arguments": {"city": "Köln {[\""}})";
  const std::string called = R"(weather {"city": "Köln {[\""}; )";
  static const std::vector<Case> all{
      {ToolCalls::hermes, "<tool_call>\n" + weather + "\n</tool_call>", called, ""},
      {ToolCalls::hermes, "\n\n<tool_call>" + weather + "</tool_call>\n<tool_call>\n" + weather + "\n</tool_call>\n",
       called + called, ""},
      {ToolCalls::hermes, "I look.\n<tool_call>\n" + weather + "\n</tool_call>\nDone.", called, "I look.\nDone."},
      {ToolCalls::hermes, "<tool_call>\n" + weather, called, ""},
      {ToolCalls::hermes, R"(<tool_call>{"name":"clock","arguments":"{\"a\":1}"}</tool_call>)", R"(clock {"a":1}; )",
       ""},
      {ToolCalls::hermes, R"(<tool_call>{"name":"unheard of","arguments":{"t":"</tool_call>"}}</tool_call>)",
       R"(unheard of {"t":"</tool_call>"}; )", ""},
      {ToolCalls::hermes, "a <tool_call> b </tool_call> c <tool_c", "", "a <tool_call> b </tool_call> c <tool_c"},
      {ToolCalls::hermes, R"(<tool_call>{"name": "weather", "arguments": {"city")", "",
       R"(<tool_call>{"name": "weather", "arguments": {"city")"},
      {ToolCalls::hermes, R"(<tool_call>{"name": "weather", "arguments": {"city": x}}</tool_call>)", "",
       R"(<tool_call>{"name": "weather", "arguments": {"city": x}}</tool_call>)"},
      {ToolCalls::hermes, "  just text < tool\n", "", "  just text < tool\n"},
      {ToolCalls::hermes, " \n", "", " \n"},
      {ToolCalls::llama, R"({"name": "weather", "parameters": {"city": "Köln"}})", R"(weather {"city": "Köln"}; )", ""},
      {ToolCalls::llama, R"(<|python_tag|>{"type":"function","name":"any","parameters":{}}<|eom_id|>)", "any {}; ", ""},
      {ToolCalls::llama, R"({"name": "weather", "parameters": {}}; {"name": "clock", "parameters": {"a": 1}})",
       R"(weather {}; clock {"a": 1}; )", ""},
      {ToolCalls::llama, R"({"name": "Bob", "parameters": {}})", "", R"({"name": "Bob", "parameters": {}})"},
      {ToolCalls::llama, R"( {"name": "weather", "age": 3} )", "", R"( {"name": "weather", "age": 3} )"},
      {ToolCalls::llama, R"(Here: {"name": "weather", "parameters": {}})", "",
       R"(Here: {"name": "weather", "parameters": {}})"},
      {ToolCalls::llama, R"(<|python_tag|>search.call(query="x"))", "", R"(<|python_tag|>search.call(query="x"))"},
      {ToolCalls::mistral, R"([TOOL_CALLS] [{"name": "weather", "arguments": {"a": [1]}, "id": "abcdefghi"}])",
       R"(weather {"a": [1]} abcdefghi; )", ""},
      {ToolCalls::mistral, R"([TOOL_CALLS][{"name":"a","arguments":{}},{"name":"b","arguments":{}}])", "a {}; b {}; ",
       ""},
      {ToolCalls::mistral, R"([TOOL_CALLS]weather[ARGS]{"a": 1}[TOOL_CALLS]clock[CALL_ID]xyz[ARGS]{})",
       R"(weather {"a": 1}; clock {} xyz; )", ""},
      {ToolCalls::mistral, R"([TOOL_CALLS]weather{"a": 1})", R"(weather {"a": 1}; )", ""},
      {ToolCalls::mistral, R"([{"name": "clock", "arguments": {}}])", "clock {}; ", ""},
      {ToolCalls::mistral, R"([{"name": "Bob", "arguments": {}}])", "", R"([{"name": "Bob", "arguments": {}}])"},
      {ToolCalls::mistral, "[1] says so [TOOL", "", "[1] says so [TOOL"},
      {ToolCalls::mistral, "[", "", "["},
      {ToolCalls::deepseek,
       "Yes.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{\"a\": \"}\"}\n```"
       "<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>clock\n```json\n{}\n```<｜tool▁call▁end｜>"
       "<｜tool▁calls▁end｜>",
       R"(weather {"a": "}"}; clock {}; )", "Yes."},
      {ToolCalls::deepseek,
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"a\": "
       "1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       R"(weather {"a": 1}; )", ""},
      {ToolCalls::deepseek, "<｜tool▁calls▁begin｜>nothing", "", "<｜tool▁calls▁begin｜>nothing"},
      {ToolCalls::none, "<tool_call>" + weather, "", "<tool_call>" + weather},
  };
  return all;
}

TEST(ToolText, TakesCallsOutOfWhatModelsWrite) {
  for (const Case& one : cases()) {
    const Said said = read(one.form, one.text, {});
    EXPECT_EQ(shown(said), one.calls) << one.text;
    EXPECT_EQ(said.text, one.rest) << one.text;
  }
}

TEST(ToolText, FindsTheSameHoweverTheTextIsCut) {
  for (const Case& one : cases()) {
    std::vector<std::size_t> every;
    for (std::size_t cut = 0; cut <= one.text.size(); ++cut) {
      every.push_back(cut);
      const Said said = read(one.form, one.text, {cut});
      EXPECT_EQ(shown(said), one.calls) << one.text << " cut at " << cut;
      EXPECT_EQ(said.text, one.rest) << one.text << " cut at " << cut;
    }
    const Said said = read(one.form, one.text, every);
    EXPECT_EQ(shown(said), one.calls) << one.text << " byte by byte";
    EXPECT_EQ(said.text, one.rest) << one.text << " byte by byte";
  }
}

TEST(ToolText, HoldsBackNoMoreThanMayBeginACall) {
  ToolText tools = reader(ToolCalls::hermes);
  llm::Delta delta;
  delta.text = "Let us see <tool";
  tools.apply(delta, Piece::more);
  EXPECT_EQ(delta.text, "Let us see ");
  delta.text = "s>";
  tools.apply(delta, Piece::more);
  EXPECT_EQ(delta.text, "<tools>");
}

TEST(ToolText, GivesACallAsSoonAsItIsWhole) {
  ToolText tools = reader(ToolCalls::hermes);
  llm::Delta delta;
  delta.text = R"(<tool_call>{"name":"clock","arguments":{}})";
  tools.apply(delta, Piece::more);
  EXPECT_TRUE(delta.text.empty());
  ASSERT_EQ(delta.tools.size(), 1U);
}

TEST(ToolText, ACallWithoutEndIsTextOnceItIsTooLong) {
  ToolText tools = reader(ToolCalls::hermes);
  const std::string beginning = R"(<tool_call>{"name":"clock","arguments":{"a":")";
  std::string text = beginning;
  llm::Delta delta;
  delta.text = beginning;
  tools.apply(delta, Piece::more);
  std::string said = delta.text;
  for (int i = 0; i < 300; ++i) {
    delta.text = std::string(1024, 'x');
    text += delta.text;
    tools.apply(delta, Piece::more);
    said += delta.text;
  }
  EXPECT_EQ(said, text);
}

std::string repeated(std::string_view words, std::size_t times) {
  std::string text;
  text.reserve(words.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += words;
  return text;
}

TEST(ToolText, AnAnswerHasSoManyCallsAndTheRestIsText) {
  const std::string call = R"(<tool_call>{"name":"clock","arguments":{}}</tool_call>)";
  const Said calls = read(ToolCalls::hermes, repeated(call, ToolText::kMostCalls + 2), {});
  EXPECT_EQ(calls.tools.size(), ToolText::kMostCalls);
  EXPECT_EQ(calls.text, call + call);
  const std::string marks = repeated("<tool_call> ", ToolText::kMostCalls);
  const Said none = read(ToolCalls::hermes, marks + call, {});
  EXPECT_TRUE(none.tools.empty());
  EXPECT_EQ(none.text, marks + call);
  const std::string list = "[TOOL_CALLS][" + repeated(R"({"name":"clock","arguments":{}},)", ToolText::kMostCalls - 1) +
                           R"({"name":"clock","arguments":{}}])";
  const Said listed = read(ToolCalls::mistral, list + list, {});
  EXPECT_EQ(listed.tools.size(), ToolText::kMostCalls);
  EXPECT_EQ(listed.text, list);
}

TEST(ToolText, ACallThatIsTooLongIsTextThoughItCameAtOnce) {
  const std::string text =
      R"(<tool_call>{"name":"clock","arguments":{"a":")" + std::string(ToolText::kLongest, 'x') + R"("}}</tool_call>)";
  const Said said = read(ToolCalls::hermes, text, {});
  EXPECT_TRUE(said.tools.empty());
  EXPECT_EQ(said.text, text);
}

// Each of these took minutes, or hours, when every step moved or looked at all that follows.
TEST(ToolText, TheTimeItTakesIsLinear) {
  constexpr std::size_t kMany = 32U << 20U;
  const std::string call = R"({"name":"clock","parameters":{}})";
  const std::string marks = repeated("<tool_call>", kMany / 11);
  EXPECT_EQ(read(ToolCalls::hermes, marks, {}).text, marks);
  const Said between = read(ToolCalls::llama, call + std::string(kMany, ';'), {});
  EXPECT_EQ(shown(between), "clock {}; ");
  EXPECT_EQ(between.text, "");
  const std::string names = repeated("[TOOL_CALLS]" + std::string(300, 'x'), kMany / 312);
  EXPECT_EQ(read(ToolCalls::mistral, names, {}).text, names);
  for (const std::string_view begin : {"", "<tool_call>"}) {
    const std::string spaces = std::string{begin} + std::string(ToolText::kLongest - 100, ' ');
    std::vector<std::size_t> every(spaces.size() - 1);
    for (std::size_t i = 0; i < every.size(); ++i) every[i] = i + 1;
    EXPECT_EQ(read(ToolCalls::hermes, spaces, every).text, spaces);
  }
}

config::Endpoint endpoint(std::string chat_template, ToolCalls form = ToolCalls::automatic) {
  config::Endpoint made;
  made.chat_template = std::move(chat_template);
  made.tool_calls = form;
  return made;
}

TEST(ToolText, TheFormIsThatOfTheChatTemplate) {
  EXPECT_EQ(tool_form(endpoint("")), ToolCalls::none);
  EXPECT_EQ(tool_form(endpoint("chatml")), ToolCalls::none);
  EXPECT_EQ(tool_form(endpoint("qwen")), ToolCalls::hermes);
  EXPECT_EQ(tool_form(endpoint("llama-3")), ToolCalls::llama);
  EXPECT_EQ(tool_form(endpoint("{{ '[TOOL_CALLS]' }}")), ToolCalls::mistral);
  EXPECT_EQ(tool_form(endpoint("{{ '<｜tool▁calls▁begin｜>' }}")), ToolCalls::deepseek);
  EXPECT_EQ(tool_form(endpoint("qwen", ToolCalls::none)), ToolCalls::none);
  EXPECT_EQ(tool_form(endpoint("", ToolCalls::llama)), ToolCalls::llama);
}

TEST(ToolText, OnlyRequestsWithToolsHaveCalls) {
  llm::Request request;
  request.api = llm::Api::chat;
  EXPECT_EQ(tools_asked(ToolCalls::hermes, request).form, ToolCalls::none);
}

}  // namespace
}  // namespace intragate::dialect
