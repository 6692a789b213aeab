// The mender: what was JSON stays JSON, what is mended needs no second mending, and a refusal becomes an error object
// of OpenAI's. An answer with the shape of one that was well needs no mending, and has the usage that is found in it.
// `reasoning` too leaves JSON behind. Input: the first byte chooses the API, between stream, whole answer, refusal and
// two answers, and where thoughts go, the rest is what the model says, an event or an answer a line.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/known_answers.h"
#include "dialect/known_events.h"
#include "dialect/openai.h"
#include "dialect/openai_mend.h"
#include "dialect/openai_reasoning.h"
#include "fuzz/json_judge.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;
using dialect::openai::Mender;
using fuzz::is_object;
using fuzz::require;

Mender mender_of(llm::Api api) {
  return Mender{{api, "id", 1, "m"}};
}

void check_stream(llm::Api api, std::string_view lines) {
  Mender first = mender_of(api);
  Mender second = mender_of(api);
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const bool whole = is_object(line);
    const std::string mended{first.mend_event(line)};
    if (!whole || mended.empty()) continue;
    require(is_object(mended), "an event that was JSON stays JSON");
    const std::string again{second.mend_event(mended)};
    require(again.empty() || is_object(again), "and so it does the second time");
  }
  const std::string counts = first.missing_usage({1, 2, llm::UsageSource::counted});
  require(counts.empty() || is_object(counts), "the counts that were missing are JSON");
  const std::string end = first.missing_end();
  require(end.empty() || is_object(end), "the end that was missing is JSON");
  require(first.finished() || !end.empty() || first.missing_end().empty(), "an end is made once");
}

// A stream whose known events are not read leaves the mender where reading them would have.
void check_known_events(llm::Api api, std::string_view lines) {
  Mender reading = mender_of(api);
  Mender following = mender_of(api);
  dialect::KnownEvents known;
  std::uint8_t first = 0;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::string_view mended = reading.mend_event(line);
    const dialect::KnownEvents::Known* const like = known.find(line, first);
    if (like != nullptr && following.follow(like->trace)) {
      require(mended.data() == line.data(), "a known event needs no mending");
      const dialect::openai::EventFacts facts = dialect::openai::inspect_event(line);
      require(facts.content == like->facts.content && facts.usage_only == like->facts.usage_only, "and says the same");
      require(facts.usage.has_value() == like->facts.usage.has_value(), "and has usage or not");
      require(dialect::openai::says_finished(line) == like->finishes, "and ends the answer or not");
    } else {
      (void)following.mend_event(line);
      if (mended.data() == line.data()) {
        known.learn(line, dialect::openai::inspect_event(line), reading.trace());
      }
    }
    require(reading.finished() == following.finished(), "both know whether it is over");
  }
  require(reading.missing_end() == following.missing_end(), "and what is missing");
}

void check_answer(llm::Api api, std::string_view body) {
  const bool whole = is_object(body);
  Mender mender = mender_of(api);
  const std::string mended{mender.mend_answer(body, 7)};
  if (!whole) return;
  require(is_object(mended), "an answer that was JSON stays JSON");
  Mender second = mender_of(api);
  require(second.mend_answer(mended, 7) == mended, "what is mended needs no mending");
}

void check_reasoning(dialect::Reasoning form, std::string_view lines) {
  dialect::openai::EventReasoning events{form};
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::string_view moved = events.rewrite(line);
    require(moved.empty() || !is_object(line) || is_object(moved), "an event with its thoughts elsewhere stays JSON");
    const std::optional<std::string> answer = dialect::openai::rewrite_answer(line, form);
    require(!answer || !is_object(line) || is_object(*answer), "and so does an answer");
  }
}

void check_refusal(std::string_view body) {
  const std::optional<std::string> mended = dialect::openai::mend_refusal(400, body);
  if (!mended) return;
  require(is_object(*mended) && mended->size() < 1024, "a refusal is JSON of less than 1 KB");
  require(!dialect::openai::mend_refusal(400, *mended), "and an error object of OpenAI's");
}

void check_shape(llm::Api api, std::string_view lines) {
  const std::string_view first = lines.substr(0, lines.find('\n'));
  const std::string_view second = lines.substr(std::min(lines.size(), first.size() + 1));
  Mender mender = mender_of(api);
  (void)mender.mend_answer(first, 7);
  const std::optional<llm::Usage> usage = dialect::openai::find_usage(first);
  if (!mender.is_well() || !usage) return;
  dialect::KnownAnswers known;
  known.learn(api, first, *usage);
  const std::optional<llm::Usage> found = known.usage_in(api, second);
  if (!found) return;
  Mender again = mender_of(api);
  require(again.mend_answer(second, 7).data() == second.data() && again.is_well(), "what has a well shape is well");
  const std::optional<llm::Usage> read = dialect::openai::find_usage(second);
  require(read && read->prompt_tokens == found->prompt_tokens && read->completion_tokens == found->completion_tokens,
          "and has the usage that is found in it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const llm::Api api = data[0] % 2 == 0 ? llm::Api::chat : llm::Api::completions;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] / 2 % 4) {
    case 0:
      check_stream(api, bytes);
      check_known_events(api, bytes);
      check_reasoning(static_cast<dialect::Reasoning>(data[0] / 8 % 4), bytes);
      break;
    case 1: check_answer(api, bytes); break;
    case 2: check_refusal(bytes); break;
    default: check_shape(api, bytes); break;
  }
  return 0;
}
