#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pattern.h"

#include <pcre2.h>

#include <string>

namespace intragate::tokenizer {
namespace {

constexpr std::uint32_t kMostTries = 2'000'000;
constexpr std::size_t kLongestPattern = 16 * 1024;

struct FreeData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

}  // namespace

void Pattern::Free::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}

Result<Pattern> Pattern::compile(std::string_view source, Kind kind) {
  const std::uint32_t options =
      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | (kind == Kind::text ? PCRE2_LITERAL : 0U);
  int number = 0;
  PCRE2_SIZE offset = 0;
  // PCRE2_LITERAL goes with few other options.
  const std::uint32_t allowed = kind == Kind::text ? (PCRE2_UTF | PCRE2_LITERAL) : options;
  pcre2_code* const code = source.size() > kLongestPattern
                               ? nullptr
                               : pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(), allowed,
                                               &number, &offset, nullptr);
  if (code == nullptr) {
    return make_error(Code::invalid_configuration,
                      "tokenizer: a pattern cannot be used (position " + std::to_string(offset) + ")");
  }
  pcre2_jit_compile(code,
                    PCRE2_JIT_COMPLETE);  // where there is none, it is slower and the same
  return Pattern{code};
}

bool Pattern::search(std::string_view text, const std::function<void(std::size_t, std::size_t)>& found) const {
  const std::unique_ptr<pcre2_match_data, FreeData> data{pcre2_match_data_create(1, nullptr)};
  const std::unique_ptr<pcre2_match_context, FreeData> context{pcre2_match_context_create(nullptr)};
  pcre2_set_match_limit(context.get(), kMostTries);
  std::uint32_t options = 0;  // the first search checks the text's UTF-8
  const auto bytes = reinterpret_cast<PCRE2_SPTR>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    int status = pcre2_match(code_.get(), bytes, text.size(), at, options, data.get(), context.get());
    if (status == PCRE2_ERROR_JIT_STACKLIMIT) {
      status = pcre2_match(code_.get(), bytes, text.size(), at, options | PCRE2_NO_JIT, data.get(), context.get());
    }
    if (status == PCRE2_ERROR_NOMATCH) return true;
    if (status < 0) return false;
    options = PCRE2_NO_UTF_CHECK;
    const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(data.get());
    if (ends[1] > ends[0]) {
      found(ends[0], ends[1]);
      at = ends[1];
      continue;
    }
    at = ends[1] + 1;  // an empty match: on with the next character
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
  }
  return true;
}

}  // namespace intragate::tokenizer
