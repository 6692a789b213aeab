// What makes a body's template safe: config/dialects_test.cpp has those that are refused.
#include "prompt/body.h"

#include <gtest/gtest.h>

namespace intragate::prompt {
namespace {

using jinja::Object;
using jinja::Value;

TEST(BodyTemplate, MakesJsonOfWhateverAClientWrites) {
  const Result<BodyTemplate> made = BodyTemplate::make(
      R"({"prompt": {{ prompt | tojson }}, "max": {{ max_tokens | default(512) }}, "stream": {{ stream | tojson }}
      {%- if temperature is defined %}, "temperature": {{ temperature }}{% endif %}})");
  ASSERT_TRUE(made) << made.error().message;
  const Result<std::string> body =
      made->render(Object{{"prompt", "a\"}\\\n"}, {"stream", true}, {"temperature", 0.5}}, WallTime{});
  ASSERT_TRUE(body) << body.error().detail;
  EXPECT_EQ(*body, R"({"prompt": "a\"}\\\n", "max": 512, "stream": true, "temperature": 0.5})");
  EXPECT_TRUE(made->uses("prompt"));
  EXPECT_FALSE(made->uses("messages"));
}

TEST(BodyTemplate, GoesThroughMessages) {
  const Result<BodyTemplate> made = BodyTemplate::make(
      R"([{% for m in messages %}{{ [m.role, m.content] | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}])");
  ASSERT_TRUE(made) << made.error().message;
  const Value user = Object{{"role", "user"}, {"content", "x"}};
  EXPECT_EQ(*made->render(Object{{"messages", std::vector<Value>{user, user}}}, WallTime{}),
            R"([["user", "x"], ["user", "x"]])");
}

TEST(BodyTemplate, MayRefuseRequests) {
  EXPECT_TRUE(BodyTemplate::make(
      R"({% if messages[0].role != 'user' %}{{ raise_exception('users only') }}{% endif %}{"a": 1})"));
}

TEST(BodyTemplate, LetsNoTextOfAClientThrough) {
  for (const char* const source : {
           R"({"a": "{{ prompt }}"})",
           R"({"a": "{{ prompt | trim }}"})",
           R"({"a": "{{ prompt | replace('"', '') }}"})",
           R"({"a": "{{ stop[0] }}"})",
           R"({"a": "{{ user }}"})",
           R"({"a": "{{ messages[0].tool_call_id }}"})",
           R"({"a": "{{ messages[0].tool_calls[0].function.arguments }}"})",
           R"({"a": "{{ response_format.json_schema.name }}"})",
           R"({"a": "{{ chat_template_kwargs.enable_thinking }}"})",
           R"({"a": {{ stream }}})",
           R"("a")",
           "",
       }) {
    const Result<BodyTemplate> made = BodyTemplate::make(source);
    ASSERT_FALSE(made) << source;
    EXPECT_EQ(made.error().code, Code::invalid_configuration);
  }
}

}  // namespace
}  // namespace intragate::prompt
