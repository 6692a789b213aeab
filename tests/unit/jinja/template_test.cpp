// What Jinja's language means is compared with the real one in tests/differential/test_jinja.py; here: what it may
// cost, and what its failures say.
#include "jinja/template.h"

#include <gtest/gtest.h>

namespace {

using namespace intragate;
using namespace intragate::jinja;

constexpr WallTime kNow{std::chrono::seconds{1'700'000'000}};

Result<std::string> render(std::string_view source, std::string_view json = "{}", const Limits& limits = {}) {
  Result<Template> made = Template::compile(source, Template::kChat);
  if (!made) return std::move(made).error();
  Result<Value> context = from_json(json);
  EXPECT_TRUE(context);
  return made->render(context->object(), kNow, limits);
}

TEST(JinjaTemplate, RendersTheSameForEveryRequest) {
  const Result<Template> made = Template::compile(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
      "{{ ns.n }}:{{ m.content }} {% endfor %}");
  ASSERT_TRUE(made);
  const Result<Value> context = from_json(R"({"messages":[{"content":"a"},{"content":"b"}]})");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*made->render(context->object(), kNow), "1:a 2:b ");
  EXPECT_TRUE(made->uses("messages"));
  EXPECT_FALSE(made->uses("tools"));
}

TEST(JinjaTemplate, RaiseExceptionRefusesTheRequestInItsOwnWords) {
  const auto text = render("\n{{ raise_exception('Roles must alternate') }}");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::invalid_request);
  EXPECT_EQ(text.error().message, "the template of this model refuses the request: Roles must alternate");
  EXPECT_EQ(text.error().detail, "line 2: raise_exception");
}

TEST(JinjaTemplate, AFailureSaysTheLineToTheLogOnly) {
  const auto text = render("a\nb\n{{ message.content.text }}");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::internal);
  EXPECT_EQ(text.error().message, "the template of this model could not be applied to this request");
  EXPECT_EQ(text.error().detail, "line 3: `message` is undefined");
}

TEST(JinjaTemplate, AMistakeIsFoundWhenItIsRead) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"{{ a", "template, line 1: `{{` without its `}}`"},
      {"\n{% if a %}", "template, line 2: this block has no `{% endif %}`"},
      {"{{ a | uper }}", "template, line 1: unknown filter `uper`, did you mean `upper`?"},
      {"{{ a is defind }}", "template, line 1: unknown test `defind`, did you mean `defined`?"},
      {"{% include 'x' %}", "template, line 1: `{% include` is not supported here"},
      {"{% for a in b %}{% endif %}", "template, line 1: `{% endif` is not supported here"},
      {"{{ a b }}", "template, line 1: expected `}}`, found `b`"},
      {"{{ 99999999999999999999 }}", "template, line 1: a whole number has at most 64 bits"},
      {"{% break %}", "template, line 1: `{% break` is not supported here"},
  };
  for (const auto& [source, message] : mistakes) {
    const auto made = Template::compile(source);
    ASSERT_FALSE(made) << source;
    EXPECT_EQ(made.error().code, Code::invalid_configuration);
    EXPECT_EQ(made.error().message, message);
  }
}

TEST(JinjaTemplate, NothingGetsAtAnythingThatIsNotGiven) {
  EXPECT_EQ(*render("{{ ''.__class__ }}{{ open }}{{ x.__init__ }}", R"({"x":{}})"), "");
  EXPECT_FALSE(render("{{ ''.__class__.__mro__ }}"));
  EXPECT_FALSE(render("{{ a.append(1) }}", R"({"a":[]})"));
}

struct Costly {
  const char* what;
  const char* source;
};

class JinjaLimits : public testing::TestWithParam<Costly> {};

TEST_P(JinjaLimits, ATemplateThatWouldCostTooMuchEnds) {
  const Limits limits{.steps = 100'000, .made = 1024 * 1024, .output = 64 * 1024, .depth = 200};
  EXPECT_FALSE(render(GetParam().source, R"({"s":"aaaaaaaa"})", limits));
}

INSTANTIATE_TEST_SUITE_P(
    All, JinjaLimits,
    testing::Values(
        Costly{"range", "{{ range(1000000000000)|length }}"},
        Costly{"loops", "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}"},
        Costly{"repeat", "{{ 'x' * 9000000000 }}"}, Costly{"repeat_overflow", "{{ 'xx' * 9223372036854775807 }}"},
        Costly{"repeat_nothing", "{{ ([] * 9223372036854775807)[0].x }}"},
        Costly{"list_repeat", "{{ [1] * 9000000000 }}"},
        Costly{"doubling",
               "{% set n = namespace(s='xx') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}"},
        Costly{"replace", "{% set a = 'a' * 100000 %}{{ a|replace('a', a) }}"},
        Costly{"replace_nothing", "{% set a = 'a' * 100000 %}{{ a|replace('', a) }}"},
        Costly{"join", "{{ range(90000)|join('x' * 90000) }}"}, Costly{"center", "{{ 'x'|center(90000000000) }}"},
        Costly{"ljust", "{{ 'x'.ljust(90000000000) }}"},
        Costly{"indent", "{{ ('\n' * 1000 ~ 'x')|indent('x' * 100000, blank=true) }}"},
        Costly{"json_indent", "{{ [[[[1]]]]|tojson(indent=90000000000) }}"},
        Costly{"batch", "{{ [1]|batch(9000000000, 'x')|list }}"},
        Costly{"printf", "{% for i in range(1000) %}{{ '%9999d' % 1 }}{% endfor %}"},
        Costly{"recursion", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}"},
        Costly{"nested_lists",
               "{% set n = namespace(l=[]) %}{% for i in range(5000) %}{% set n.l = [n.l] %}{% endfor %}"},
        Costly{"shared_lists",
               "{% set n = namespace(l=[1]) %}{% for i in range(90) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}"},
        Costly{"shared_equal",
               "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(90) %}{% set n.a = [n.a, n.a] %}"
               "{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}"},
        Costly{"output", "{% for i in range(50) %}{{ s * 1000 }}{% endfor %}"},
        Costly{"unique", "{{ range(9000)|unique|list|length }}"}),
    [](const auto& one) { return std::string{one.param.what}; });

TEST(JinjaTemplate, NamespacesThatHoldEachOtherAreGivenBack) {  // seen by the leak checker of the asan build
  EXPECT_EQ(*render("{% set a = namespace() %}{% set b = namespace(x=a) %}{% set a.x = b %}{% set a.l = [a] %}ok"),
            "ok");
}

TEST(JinjaTemplate, SyntaxThatLiesTooDeepIsRefused) {
  const std::string open(5000, '(');
  EXPECT_FALSE(Template::compile("{{ " + open + "1" + std::string(5000, ')') + " }}"));
  std::string sum = "{{ 1";
  for (int i = 0; i < 5000; ++i) sum += " + 1";
  EXPECT_FALSE(Template::compile(sum + " }}"));
  std::string ifs;
  for (int i = 0; i < 5000; ++i) ifs += "{% if 1 %}";
  EXPECT_FALSE(Template::compile(ifs));
  std::string chain = "{{ 'a'";
  for (int i = 0; i < 1000; ++i) chain += " ~ 'a'";
  const auto flat = Template::compile(chain + " }}");
  EXPECT_TRUE(flat) << "a long chain is not a deep one";
}

TEST(JinjaJson, KeepsOrderAndTypes) {
  EXPECT_EQ(*render("{{ v | tojson }}", R"({"v":{"z":1,"a":[true,null,1.5,"\u4f60\"\n"],"z":2}})"),
            "{\"z\": 2, \"a\": [true, null, 1.5, \"你\\\"\\n\"]}");
}

TEST(JinjaJson, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":1", "nul", "1 2", "1], [2", "\"a", "[\"\\ud800\"]", "{'a':1}"}) {
    EXPECT_FALSE(from_json(text)) << text;
  }
  EXPECT_FALSE(from_json(std::string(100'000, '[')));
  EXPECT_FALSE(from_json(std::string(90, '[') + std::string(90, ']')));
  EXPECT_TRUE(from_json(std::string(60, '[') + std::string(60, ']')));
}

TEST(JinjaJson, ManyKeysAreFoundQuickly) {
  Object object;
  for (int i = 0; i < 50'000; ++i) object.set("key" + std::to_string(i), i);
  EXPECT_EQ(object.size(), 50'000U);
  EXPECT_EQ(object.find("key49999")->integer(), 49'999);
  object.set("key7", "other");
  EXPECT_EQ(object.entries()[7].second.string(), "other");
}

}  // namespace
