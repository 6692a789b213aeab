// The model of a tokenizer.json: one of those there are. Owner: a tokenizer. Thread: made by one, then any number may
// count. Does not: know how texts become words.
#pragma once

#include <string_view>
#include <variant>

#include "base/result.h"
#include "tokenizer/bpe.h"
#include "tokenizer/unigram.h"
#include "tokenizer/word_piece.h"

namespace intragate::tokenizer {

using Model = std::variant<Bpe, WordPiece, Unigram>;

// Of the file's member `model`, as it is written. Errors: invalid_configuration.
[[nodiscard]] Result<Model> make_model(std::string_view json, Bpe::Symbols symbols);

[[nodiscard]] Error unusable(std::string why);

}  // namespace intragate::tokenizer
