// Work on texts that methods and filters share, each within what may be spent.
// Owner: none; plain functions. Thread: any. Does not: know calls and their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/work.h"

namespace intragate::jinja {

// At most `most` places, all if it is negative; an empty `what` stands between all characters, as in Python.
[[nodiscard]] std::string replaced(std::string_view text, std::string_view what, std::string_view with,
                                   std::int64_t most, Work& work);
// The lines without their ends.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);
// At white space, without empty words; the rest stays whole after `most` cuts.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view text, std::int64_t most = -1);
[[nodiscard]] std::string padding(std::int64_t width, std::size_t size, Work& work);

}  // namespace intragate::jinja
