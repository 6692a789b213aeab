#include "dialect/chat_draft.h"

#include <gtest/gtest.h>

namespace intragate::dialect {
namespace {

TEST(ChatDraft, WhatTheSystemSaysFirstIsOneMessage) {
  ChatDraft draft;
  EXPECT_TRUE(draft.empty());
  draft.system("a");
  EXPECT_FALSE(draft.empty());
  draft.system("b");
  draft.user("\"Hi\"");
  draft.system("c");
  EXPECT_EQ(draft.list(),
            R"([{"role":"system","content":"a\n\nb"},{"role":"user","content":"Hi"},{"role":"system","content":"c"}])");
}

TEST(ChatDraft, WhatTheAssistantSaysInARowIsOneMessage) {
  ChatDraft draft;
  draft.reasoning("Hm");
  draft.assistant("I ");
  draft.assistant("look.");
  draft.call("\"c1\"", "\"f\"", "\"{}\"");
  draft.call("\"c2\"", "\"f\"", "\"{}\"");
  draft.result("\"c1\"", "\"sun\"");
  draft.call("\"c3\"", "\"f\"", "\"{}\"");
  EXPECT_EQ(
      draft.list(),
      R"([{"role":"assistant","content":"I look.","reasoning_content":"Hm","tool_calls":[)"
      R"({"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},)"
      R"({"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":"sun"},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"c3","type":"function","function":{"name":"f","arguments":"{}"}}]}])");
}

TEST(ChatDraft, PartsAreAListOnlyWherePicturesNeedOne) {
  Parts parts;
  EXPECT_EQ(parts.content(), "\"\"");
  parts.add_text("\"a\\\"\"");
  parts.add_text("\"b\"");
  EXPECT_EQ(parts.content(), R"("a\"\nb")");
  parts.add_picture("\"data:x\"");
  EXPECT_EQ(
      parts.content(),
      R"([{"type":"text","text":"a\""},{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"data:x"}}])");
}

}  // namespace
}  // namespace intragate::dialect
