#include "dialect/reasoning.h"

#include <gtest/gtest.h>

#include "dialect/openai_reasoning.h"

namespace intragate::dialect {
namespace {

struct Said {
  std::string text;
  std::string reasoning;
  friend bool operator==(const Said&, const Said&) = default;
};

// `text` in pieces of `step` bytes.
Said filtered(Reasoning form, std::string_view text, std::size_t step) {
  ReasoningFilter filter{form};
  Said said;
  while (!text.empty()) {
    std::string piece{text.substr(0, step)};
    std::string thought;
    text.remove_prefix(piece.size());
    filter.apply(piece, thought, text.empty() ? ReasoningFilter::Piece::last : ReasoningFilter::Piece::more);
    said.text += piece;
    said.reasoning += thought;
  }
  return said;
}

TEST(ReasoningFilter, TagsMayComeInPieces) {
  for (std::size_t step = 1; step < 40; ++step) {
    EXPECT_EQ(filtered(Reasoning::separate, "\n<think>a < b</th</think>\n\nSo <think>.", step),
              (Said{"So <think>.", "a < b</th"}))
        << step;
    EXPECT_EQ(filtered(Reasoning::drop, "<think>hm</think>So.", step), (Said{"So.", ""})) << step;
    EXPECT_EQ(filtered(Reasoning::separate, "<thin air>", step), (Said{"<thin air>", ""})) << step;
    EXPECT_EQ(filtered(Reasoning::separate, "<think>no end</thi", step), (Said{"", "no end</thi"})) << step;
    EXPECT_EQ(filtered(Reasoning::as_it_is, "<think>x</think>y", step), (Said{"<think>x</think>y", ""})) << step;
  }
}

TEST(ReasoningFilter, PutsThoughtsIntoTheText) {
  ReasoningFilter filter{Reasoning::within};
  std::string whole;
  const auto say = [&](std::string text, std::string thought, ReasoningFilter::Piece piece) {
    filter.apply(text, thought, piece);
    EXPECT_EQ(thought, "");
    whole += text;
  };
  say("", "one", ReasoningFilter::Piece::more);
  EXPECT_FALSE(filter.settled());
  say("", " two", ReasoningFilter::Piece::more);
  say("So.", "", ReasoningFilter::Piece::more);
  EXPECT_TRUE(filter.settled());
  EXPECT_EQ(whole, "<think>\none two\n</think>\n\nSo.");
}

TEST(EventReasoning, ChangesNothingButTheTexts) {
  openai::EventReasoning events{Reasoning::separate};
  EXPECT_EQ(events.rewrite(R"({"id":1,"choices":[{"delta":{"content":"<thi"},"x":2}]})"), "");
  EXPECT_EQ(events.rewrite(R"({"id":1,"choices":[{"delta":{"role":"assistant","content":"nk>a"},"x":2}]})"),
            R"({"id":1,"choices":[{"delta":{"role":"assistant","reasoning_content":"a"},"x":2}]})");
  EXPECT_EQ(events.rewrite(R"({"choices":[{"delta":{"content":"b</think>c"}}]})"),
            R"({"choices":[{"delta":{"reasoning_content":"b","content":"c"}}]})");
  EXPECT_TRUE(events.settled());
  EXPECT_EQ(openai::rewrite_answer(R"({"choices":[{"message":{"reasoning":"a","content":"b"}}]})", Reasoning::separate),
            R"({"choices":[{"message":{"reasoning_content":"a","content":"b"}}]})");
}

}  // namespace
}  // namespace intragate::dialect
