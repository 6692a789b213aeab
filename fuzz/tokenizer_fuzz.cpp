// tokenizer.json: any bytes are a tokenizer or are refused; and whatever text is counted, it is counted the same way
// twice and, by tokenizers without surprises, as no more tokens than it has bytes. Input: the first byte chooses
// whether the rest is a tokenizer.json, or a text for one of those below.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "tokenizer/tokenizer.h"

namespace {

using namespace intragate;
using fuzz::require;
using tokenizer::Tokenizer;

constexpr std::array<std::string_view, 5> kKnown{
    R"({"added_tokens":[{"content":"<|end|>","special":true},{"content":"<m>","lstrip":true,"rstrip":true}],
        "normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
        "behavior":"Isolated"},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]},
        "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"Ġ":3},"merges":["a b"]}})",
    R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
        "model":{"type":"BPE","ignore_merges":true,"vocab":{"a":0,"b":1,"aa":2,"aaaa":3,"ab":4},"merges":["a a","aa aa","a b"]}})",
    R"({"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},
        "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"vocab":{"<unk>":0,"▁":1,"a":2,"▁a":3},"merges":["▁ a"]}})",
    R"({"normalizer":{"type":"Sequence","normalizers":[{"type":"BertNormalizer"},{"type":"Replace","pattern":{"Regex":" {2,}"},
        "content":" "}]},"pre_tokenizer":{"type":"BertPreTokenizer"},
        "model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":1,"##b":2,"##a":3,".":4,"ab":5}}})",
    R"({"normalizer":{"type":"Strip"},"pre_tokenizer":{"type":"WhitespaceSplit"},
        "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1],["b",-2],["ab",-2.5],["你",-3],["aba",-7.5]]}})",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const std::vector<Tokenizer> known = [] {
    std::vector<Tokenizer> made;
    for (const std::string_view json : kKnown) made.push_back(*Tokenizer::make(json));
    return made;
  }();
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const unsigned chosen = data[0] % (kKnown.size() + 1);
  if (chosen == kKnown.size()) {
    const Result<Tokenizer> made = Tokenizer::make(bytes);
    if (made) (void)made->count("Hello, wörld! 123\n");
    return 0;
  }
  const std::optional<std::size_t> count = known[chosen].count(bytes);
  require(count == known[chosen].count(bytes), "a text has one count");
  require(!count || *count <= bytes.size(), "no token is empty");
  return 0;
}
