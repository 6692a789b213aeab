// Content rules over one whole body: every text in it is looked through and, if a rule says so, masked; all other bytes
// stay as they are. In steps, so that a long body does not keep a loop from its other calls. Owner: one call. Thread:
// its loop. Does not: see the pieces of a stream (openai_screen.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/filter.h"
#include "dialect/texts.h"

namespace intragate::dialect {

class BodyScreen {
 public:
  enum class Copies : bool { kept, removed };                   // what says the text once more (logprobs): becomes null
  static constexpr std::size_t kStep = std::size_t{16} * 1024;  // bytes of text

  // All must outlive this. A body that is no JSON is one text.
  BodyScreen(std::string_view body, const content::Rules& rules, content::Tally& tally,
             content::Filter::Mode mode = content::Filter::Mode::as_ruled, Copies copies = Copies::kept);

  // Looks at about kStep bytes more. True: that was all, or a rule refuses (Tally::refused).
  bool step();
  // The body as it may go on; nothing: as it came.
  [[nodiscard]] std::optional<std::string> changed() const;

 private:
  bool begin_text();
  void end_text();

  std::string_view body_;
  const content::Rules& rules_;
  content::Tally& tally_;
  TextScan scan_;
  std::optional<content::Filter> filter_;  // of the text that is being looked at
  Text text_;
  std::string plain_;  // that text, unescaped
  std::size_t read_ = 0;
  std::string out_;
  std::vector<llm::Edit> edits_;
  content::Filter::Mode mode_;
  Copies copies_;
  bool json_;
  bool begun_ = false;
};

}  // namespace intragate::dialect
