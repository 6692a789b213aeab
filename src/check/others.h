// The questions to models that do not write: vectors, ranking, speech. Owner: the caller (suite.cpp), whose asker
// outlives the task. Thread: its loop.
#pragma once

#include "check/asker.h"

namespace intragate::check {

[[nodiscard]] net::Task<void> ask_embeddings(Asker& asker);
[[nodiscard]] net::Task<void> ask_rerank(Asker& asker);
[[nodiscard]] net::Task<void> ask_speech(Asker& asker);
[[nodiscard]] net::Task<void> ask_transcription(Asker& asker);

}  // namespace intragate::check
