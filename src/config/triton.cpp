// What a KServe v2 server has: its backend, the names of its tensors.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "config/readers.h"

namespace intragate::config {
namespace {

constexpr std::string_view kTensorForm =
    "a tensor is written as NAME TYPE MEMBER or NAME TYPE MEMBER DEFAULT: `stop` and `model` are BYTES, `stream` is "
    "BOOL, numbers (`max_tokens`, `temperature`, `top_p`, `top_k`, `min_p`, `seed`, `presence_penalty`, "
    "`frequency_penalty`, `repetition_penalty`, `dimensions`) are INT32, INT64, UINT64 or FP32";

std::optional<TensorType> tensor_type(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, TensorType>, 6> kTypes{{{"BYTES", TensorType::bytes},
                                                                           {"BOOL", TensorType::boolean},
                                                                           {"INT32", TensorType::int32},
                                                                           {"INT64", TensorType::int64},
                                                                           {"UINT64", TensorType::uint64},
                                                                           {"FP32", TensorType::fp32}}};
  for (const auto& [name, type] : kTypes) {
    if (name == word) return type;
  }
  return std::nullopt;
}

// Whether a member of requests can be what a tensor of that type holds.
bool fits(std::string_view member, TensorType type) {
  constexpr std::array<std::string_view, 10> kNumbers{
      "max_tokens",        "temperature",        "top_p",     "top_k", "min_p", "seed", "presence_penalty",
      "frequency_penalty", "repetition_penalty", "dimensions"};
  if (member == "stop" || member == "model") return type == TensorType::bytes;
  if (member == "stream") return type == TensorType::boolean;
  const bool known = std::find(kNumbers.begin(), kNumbers.end(), member) != kNumbers.end();
  return known && type != TensorType::bytes && type != TensorType::boolean;
}

bool all_digits(std::string_view text) {
  constexpr std::size_t kLongest = 18;
  return !text.empty() && text.size() <= kLongest && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return all_digits(text) && (text.size() == 1 || text.front() != '0');
}

// As JSON writes numbers too.
bool is_default(std::string_view text, TensorType type) {
  const std::size_t dot = type == TensorType::fp32 ? text.find('.') : std::string_view::npos;
  if (dot == std::string_view::npos) return is_whole(text);
  const std::string_view fraction = text.substr(dot + 1);
  return is_whole(text.substr(0, dot)) && all_digits(fraction);
}

std::optional<TritonInput> read_tensor(std::string_view line) {
  std::array<std::string_view, 4> words;
  std::size_t count = 0;
  for (std::string_view rest = text::trim(line); !rest.empty() && count < words.size(); rest = text::trim(rest)) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    words[count++] = rest.substr(0, end);
    rest.remove_prefix(end);
    if (count == words.size() && !text::trim(rest).empty()) return std::nullopt;
  }
  const std::optional<TensorType> type = tensor_type(words[1]);
  if (count < 3 || !type || !fits(words[2], *type)) return std::nullopt;
  const bool number = *type != TensorType::bytes && *type != TensorType::boolean;
  if (count == 4 && (!number || !is_default(words[3], *type))) return std::nullopt;
  return TritonInput{std::string{words[0]}, *type, std::string{words[2]}, std::string{words[3]}};
}

}  // namespace

void read_triton(Section& section, Endpoint& into) {
  std::optional<Section> triton = section.section("triton");
  if (!triton) return;
  const std::string preset = triton->choice("preset");
  if (preset == "tensorrt-llm") into.triton.preset = TritonPreset::tensorrt_llm;
  if (preset == "text") into.triton.preset = TritonPreset::text;
  triton->text("model", into.triton.model);
  triton->text("version", into.triton.version);
  triton->text("input", into.triton.input);
  triton->text("output", into.triton.output);
  triton->flag("batched", into.triton.batched);
  triton->flag("decoupled", into.triton.decoupled);
  for (const Scalar& line : triton->names("inputs")) {
    std::optional<TritonInput> input = read_tensor(line.text);
    if (input) {
      into.triton.inputs.push_back(*std::move(input));
    } else {
      triton->problem(line.place, '`' + triton->path("inputs") + "`: " + std::string{kTensorForm});
    }
  }
  if (into.dialect != "triton" && into.dialect != kTritonGrpc) {
    section.warn(section.place("triton"), "`triton` has no effect with the dialect " + into.dialect);
  }
}

}  // namespace intragate::config
