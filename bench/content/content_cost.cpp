// What content rules cost on top of a call without them: nanoseconds for an event of a stream, and for a byte of a
// prompt. Prints the best of some rounds, in CPU time of this process: others on the machine disturb it little.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "dialect/openai_screen.h"
#include "dialect/screen_body.h"

namespace {

using namespace intragate;
using content::Action;
using content::Rule;
using content::Rules;
using dialect::BodyScreen;

constexpr int kRounds = 7;

double now() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

template <class Work>
double best(Work work) {
  double least = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = now();
    work();
    least = std::min(least, now() - begin);
  }
  return least;
}

std::vector<Rule> sample_rules() {
  std::vector<Rule> rules(5);
  for (Rule& rule : rules) rule.action = Action::mask;
  rules[0].kinds = content::Kinds{0b111};
  rules[1].kinds = content::Kinds{0b111000};
  rules[2].patterns.push_back(*content::Pattern::make("PRJ-[0-9]{4,6}"));
  rules[3].patterns.push_back(*content::Pattern::make("(?i)internal use only"));
  std::vector<std::string> words;
  for (unsigned i = 0; i < 100'000; ++i) words.push_back("word" + std::to_string(i * 2654435761U));
  rules[4].words = *content::WordList::make(std::move(words));
  return rules;
}

std::vector<std::string> sample_events(const std::vector<std::string>& tokens) {
  std::vector<std::string> events;
  for (int i = 0; i < 2000; ++i) {
    events.push_back(
        R"({"id":"chatcmpl-123","object":"chat.completion.chunk","created":1700000000,"model":"qwen2.5-7b",)"
        R"("choices":[{"index":0,"delta":{"content":")" +
        tokens[static_cast<std::size_t>(i) % tokens.size()] + R"("},"logprobs":null,"finish_reason":null}]})");
  }
  return events;
}

void events(const char* name, const Rules& rules, const std::vector<std::string>& tokens) {
  const std::vector<std::string> all = sample_events(tokens);
  const double took = best([&] {
    content::Tally tally{rules.size()};
    dialect::openai::EventScreen screen{llm::Api::chat, rules, tally, BodyScreen::Copies::removed};
    for (const std::string& event : all) (void)screen.take(event);
    (void)screen.rest();
  });
  std::printf("%-44s %8.0f ns an event\n", name, took / static_cast<double>(all.size()));
}

void prompts(const char* name, const Rules& rules, const std::string& text) {
  std::string body = R"({"model":"m","messages":[{"role":"user","content":")";
  while (body.size() < 32'000) body += text;
  body += "\"}]}";
  const double took = best([&] {
    content::Tally tally{rules.size()};
    BodyScreen screen{body, rules, tally};
    while (!screen.step()) {
    }
  });
  std::printf("%-44s %8.1f ns a byte\n", name, took / static_cast<double>(body.size()));
}

}  // namespace

int main() {
  const std::vector<Rule> rules = sample_rules();
  const std::vector<std::string> english{"The",   " quick", " brown", " fox", " jumps",
                                         " over", " it",    ",",      " 42",  " times"};
  const std::vector<std::string> chinese{"今天", "天气", "很好", "，", "我们", "去", "公园", "吧", "。", "明天"};
  const Rules numbers{&rules[0]};
  const Rules personal{&rules[0], &rules[1]};
  const Rules words{&rules[4]};
  const Rules expressions{&rules[2], &rules[3]};
  Rules five;
  for (const Rule& rule : rules) five.push_back(&rule);
  events("stream, English, numbers", numbers, english);
  events("stream, English, all built-in", personal, english);
  events("stream, English, two expressions", expressions, english);
  events("stream, English, 100,000 words", words, english);
  events("stream, English, five rules", five, english);
  events("stream, Chinese, five rules", five, chinese);
  prompts("prompt, English, all built-in", personal, "The quick brown fox jumps over it, 42 times. ");
  prompts("prompt, English, 100,000 words", words, "The quick brown fox jumps over it, 42 times. ");
  prompts("prompt, English, five rules", five, "The quick brown fox jumps over it, 42 times. ");
  prompts("prompt, Chinese, five rules", five, "今天天气很好，我们去公园吧。");
  return 0;
}
