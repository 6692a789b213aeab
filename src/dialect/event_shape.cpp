#include "dialect/event_shape.h"

#include "base/json_skip.h"

namespace intragate::dialect {
namespace {

constexpr std::size_t kLargest = 1024;  // bytes around the text: what a stream may keep for this
constexpr std::uint8_t kMostLearned = 8;

}  // namespace

bool EventShape::fits(std::string_view data) const {
  const std::string_view around{around_};
  if (before_ == 0 || data.size() <= around.size() || !data.starts_with(around.substr(0, before_))) return false;
  static const json::Skipper& fastest = json::skippers().front();
  const std::size_t end = fastest.string(data, before_);
  if (end == std::string_view::npos || end == before_ + 1) return false;  // an empty text is no content
  return data.substr(end - 1) == around.substr(before_);
}

void EventShape::learn(std::string_view data, const openai::EventFacts& facts) {
  const bool only_text = facts.content && !facts.text.empty() && !facts.usage && !facts.error && !facts.usage_only;
  if (!only_text || learned_ == kMostLearned || data.size() - facts.text.size() > kLargest) return;
  ++learned_;
  before_ = static_cast<std::size_t>(facts.text.data() - data.data()) + 1;
  around_.assign(data.substr(0, before_));
  around_.append(data.substr(before_ + facts.text.size() - 2));
}

}  // namespace intragate::dialect
