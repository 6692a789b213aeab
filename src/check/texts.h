// The questions to a model that writes: validation, streams, tools, pictures, refusals, the window, who stops when.
// Owner: the caller (suite.cpp), whose asker outlives the task. Thread: its loop.
#pragma once

#include "check/asker.h"
#include "check/judge.h"

namespace intragate::check {

[[nodiscard]] net::Task<void> ask_texts(Asker& asker, Chat chat);

}  // namespace intragate::check
