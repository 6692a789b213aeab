// What a crash leaves behind: nothing that was in memory, whichever command it was; each holds prompts, keys or tokens.
// Why not otherwise: docs/decisions/0017-no-core-dumps.md. Thread: the first one, before there are others.
#pragma once

namespace intragate::app {

// The limit keeps a file from being written; programs that cores are piped to do not look at it, and get one without
// memory (core(5)).
void forbid_core_dumps();

}  // namespace intragate::app
