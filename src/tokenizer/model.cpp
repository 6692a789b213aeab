#include "tokenizer/model.h"

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "base/json_scan.h"
#include "base/text.h"

namespace intragate::tokenizer {
namespace {

// The members of a model that count; most of a file is two long lists.
struct Written {
  std::string type;
  std::string_view vocabulary;
  std::string_view merges;
  Bpe::Options bpe;
  WordPiece::Options word_piece;
};

Result<Written> read_model(std::string_view json) {
  Written model;
  json::ObjectScan scan{json};
  while (const std::optional<json::Member> member = scan.next()) {
    const bool yes = member->value == "true";
    if (json::key_is(*member, "type") && member->kind == json::Kind::string) {
      json::append_text(model.type, member->value);
    } else if (json::key_is(*member, "vocab")) {
      model.vocabulary = member->value;
    } else if (json::key_is(*member, "merges")) {
      model.merges = member->value;
    } else if (json::key_is(*member, "byte_fallback")) {
      model.bpe.byte_fallback = yes;
    } else if (json::key_is(*member, "fuse_unk")) {
      model.bpe.fuse_unknown = yes;
    } else if (json::key_is(*member, "ignore_merges")) {
      model.bpe.whole_words = yes;
    } else if (json::key_is(*member, "continuing_subword_prefix") && member->kind == json::Kind::string) {
      model.word_piece.prefix.clear();
      json::append_text(model.word_piece.prefix, member->value);
    } else if (json::key_is(*member, "max_input_chars_per_word")) {
      model.word_piece.longest_word = static_cast<std::size_t>(json::unsigned_number(member->value).value_or(100));
    }
  }
  if (scan.failed()) return unusable("its `model` is malformed");
  if (model.type.empty()) model.type = "BPE";
  return model;
}

template <class Add>
Result<Unit> each_token(std::string_view vocabulary, Add add) {
  json::ObjectScan scan{vocabulary};
  while (const std::optional<json::Member> member = scan.next()) {
    const std::optional<std::uint64_t> id = json::unsigned_number(member->value);
    if (!id || *id >= UINT32_MAX) return unusable("a token of `vocab` has no number");
    if (!member->key_escaped) {
      add(std::string{member->key}, static_cast<std::uint32_t>(*id));
      continue;
    }
    Result<std::string> text = json::unescape('"' + std::string{member->key} + '"');
    if (text) add(*std::move(text), static_cast<std::uint32_t>(*id));
  }
  if (scan.failed()) return unusable("its `vocab` is malformed");
  return Unit{};
}

// "a b", or ["a", "b"].
bool add_merge(Bpe& bpe, const json::Member& member) {
  if (member.kind == json::Kind::array) {
    json::ArrayScan pair{member.value};
    std::string sides[2];
    for (std::string& side : sides) {
      const std::optional<json::Member> one = pair.next();
      if (!one || one->kind != json::Kind::string) return false;
      Result<std::string> text = json::unescape(one->value);
      if (!text) return false;
      side = std::move(*text);
    }
    return bpe.add_merge(sides[0], sides[1]);
  }
  if (member.kind != json::Kind::string) return false;
  const Result<std::string> text = json::unescape(member.value);
  const std::size_t space = text ? text->find(' ') : std::string::npos;
  return space != std::string::npos && bpe.add_merge(text->substr(0, space), text->substr(space + 1));
}

Result<Unit> add_merges(Bpe& bpe, std::string_view merges) {
  json::ArrayScan scan{merges};
  while (const std::optional<json::Member> member = scan.next()) {
    if (!add_merge(bpe, *member)) return unusable("one of its `merges` does not join two tokens to one");
  }
  if (scan.failed()) return unusable("its `merges` are malformed");
  return Unit{};
}

Result<Model> make_bpe(const Written& written, Bpe::Symbols symbols) {
  if (!written.vocabulary.starts_with('{') || !written.merges.starts_with('['))
    return unusable("its `model` has no `vocab` and `merges`");
  Bpe::Options options = written.bpe;
  options.symbols = symbols;
  Bpe bpe{options};
  Result<Unit> read =
      each_token(written.vocabulary, [&](const std::string& text, std::uint32_t id) { bpe.add_token(text, id); });
  if (!read) return std::move(read).error();
  if (Result<Unit> merges = add_merges(bpe, written.merges); !merges) return std::move(merges).error();
  bpe.finish();
  return Model{std::move(bpe)};
}

Result<Model> make_word_piece(const Written& written) {
  if (!written.vocabulary.starts_with('{')) return unusable("its `model` has no `vocab`");
  WordPiece made{written.word_piece};
  Result<Unit> read =
      each_token(written.vocabulary, [&](std::string text, std::uint32_t /*id*/) { made.add_token(std::move(text)); });
  if (!read) return std::move(read).error();
  return Model{std::move(made)};
}

// [["a", -1.5], …]
Result<Model> make_unigram(const Written& written) {
  if (!written.vocabulary.starts_with('[')) return unusable("its `model` has no list `vocab`");
  std::vector<std::pair<std::string, double>> tokens;
  json::ArrayScan scan{written.vocabulary};
  while (const std::optional<json::Member> token = scan.next()) {
    json::ArrayScan pair{token->kind == json::Kind::array ? token->value : "[]"};
    const std::optional<json::Member> text = pair.next();
    const std::optional<json::Member> score = text ? pair.next() : std::nullopt;
    if (!score || text->kind != json::Kind::string) return unusable("a token of `vocab` has no score");
    Result<std::string> plain = json::unescape(text->value);
    double number = 0;
    const std::string_view digits = score->value;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (!plain || error != std::errc{} || end != digits.data() + digits.size()) {
      return unusable("a token of `vocab` has no score");
    }
    tokens.emplace_back(*std::move(plain), number);
  }
  if (scan.failed()) return unusable("its `vocab` is malformed");
  return Model{Unigram{std::move(tokens), written.bpe.byte_fallback}};
}

}  // namespace

Error unusable(std::string why) {
  return make_error(Code::invalid_configuration, "tokenizer: " + std::move(why));
}

Result<Model> make_model(std::string_view json, Bpe::Symbols symbols) {
  Result<Written> written = read_model(json);
  if (!written) return std::move(written).error();
  if (written->type == "BPE") return make_bpe(*written, symbols);
  if (written->type == "WordPiece") return make_word_piece(*written);
  if (written->type == "Unigram") return make_unigram(*written);
  return unusable("models of the kind " + text::quoted(written->type) +
                  " are not supported, only BPE, WordPiece and Unigram");
}

}  // namespace intragate::tokenizer
