// Answers in the form that was asked for, of models that give the other: a whole answer of a stream's events, and
// events of a whole answer. Owner: the caller. Thread: any (pure). Does not: serve completions, several choices.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dialect/openai_mend.h"

namespace intragate::dialect::openai {

// Whether a content type is that of event streams.
[[nodiscard]] bool is_event_stream(std::string_view content_type);

// Nothing: these are no events of a chat, or the model gave up within them. The events are mended by `mender`.
[[nodiscard]] std::optional<std::string> whole_of_events(const NamedElsewhere& name, Mender mender,
                                                         std::string_view events);

// With [DONE]. Nothing: this is no chat answer.
enum class ShowUsage : bool { no, yes };
[[nodiscard]] std::optional<std::string> events_of_whole(const NamedElsewhere& name, std::string_view answer,
                                                         ShowUsage usage);

}  // namespace intragate::dialect::openai
