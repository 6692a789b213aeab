#include "dialect/embeddings.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/base64.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/openai.h"

namespace intragate::dialect::embeddings {
namespace {

using json::Kind;
using json::Member;

constexpr std::size_t kMostInputs = 100'000;

Error malformed(std::string detail) {
  return make_error(Code::upstream_malformed,
                    "The model gave an answer that is no list of embeddings; its operator has to look.")
      .because(std::move(detail));
}

// Nothing: some element is no number.
std::optional<std::string> bytes_of(std::string_view array) {
  std::string bytes;
  json::ArrayScan scan{array};
  while (const std::optional<Member> number = scan.next()) {
    float value = 0;
    const std::string_view text = number->value;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (number->kind != Kind::number || read.ec == std::errc::invalid_argument) return std::nullopt;
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift);
  }
  if (scan.failed()) return std::nullopt;
  return bytes;
}

// Nothing: these are no whole and finite floats.
std::optional<std::string> numbers_of(std::string_view bytes) {
  if (bytes.size() % 4 != 0) return std::nullopt;
  std::string numbers = "[";
  for (std::size_t at = 0; at < bytes.size(); at += 4) {
    std::uint32_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) bits |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    const auto value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) return std::nullopt;
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    if (at > 0) numbers += ',';
    numbers.append(digits.data(), end);
  }
  return numbers + ']';
}

// A raw vector in this form; nothing: it cannot be read.
std::optional<std::string> in_form(const Member& vector, Form form) {
  const bool is_base64 = vector.kind == Kind::string;
  if (!is_base64 && vector.kind != Kind::array) return std::nullopt;
  if (is_base64 == (form == Form::base64)) return std::string{vector.value};
  if (!is_base64) {
    const std::optional<std::string> bytes = bytes_of(vector.value);
    return bytes ? std::optional{'"' + base64(*bytes) + '"'} : std::nullopt;
  }
  std::string text;
  json::append_text(text, vector.value);
  const std::optional<std::string> bytes = from_base64(text);
  return bytes ? numbers_of(*bytes) : std::nullopt;
}

// One entry of `data`.
struct Entry {
  std::optional<Member> vector;
  std::optional<std::uint64_t> index;
};

Entry read_entry(std::string_view from) {
  Entry entry;
  json::ObjectScan scan{from};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "embedding")) entry.vector = member;
    if (json::key_is(*member, "index")) entry.index = json::unsigned_number(member->value);
  }
  return entry;
}

// The vectors in the order of the inputs. Nothing: `data` is no list of embeddings.
std::optional<std::vector<Member>> read_vectors(std::string_view data) {
  std::vector<std::optional<Member>> by_index;
  std::size_t at = 0;
  json::ArrayScan scan{data};
  while (const std::optional<Member> element = scan.next()) {
    Entry entry = read_entry(element->kind == Kind::object ? element->value : "{}");
    const std::uint64_t index = entry.index.value_or(at++);
    if (!entry.vector || index >= kMostInputs) return std::nullopt;
    if (index >= by_index.size()) by_index.resize(static_cast<std::size_t>(index) + 1);
    if (by_index[static_cast<std::size_t>(index)]) return std::nullopt;  // twice
    by_index[static_cast<std::size_t>(index)] = entry.vector;
  }
  if (scan.failed()) return std::nullopt;
  std::vector<Member> vectors;
  for (const std::optional<Member>& vector : by_index) {
    if (!vector) return std::nullopt;
    vectors.push_back(*vector);
  }
  return vectors;
}

}  // namespace

Form wanted(std::string_view body) {
  Form form = Form::numbers;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (!json::key_is(*member, "encoding_format")) continue;
    form = member->value == "\"base64\"" ? Form::base64 : Form::numbers;
  }
  return form;
}

std::vector<llm::Span> find_inputs(const llm::Call& call, std::string_view body) {
  std::vector<llm::Span> found;
  if (!call.prompt || body[call.prompt->offset] != '[') return found;
  json::ArrayScan scan{body.substr(call.prompt->offset, call.prompt->length)};
  while (const std::optional<Member> input = scan.next()) {
    if (input->kind == Kind::number) return {};
    found.push_back({.offset = call.prompt->offset + input->offset, .length = input->value.size()});
  }
  return found;
}

std::string part_of(const llm::Call& call, std::string_view body, std::span<const llm::Span> inputs) {
  const std::size_t begin = inputs.front().offset;
  const std::size_t end = inputs.back().offset + inputs.back().length;
  std::string part{body.substr(0, call.prompt->offset)};
  part += '[';
  part += body.substr(begin, end - begin);
  part += ']';
  part += body.substr(call.prompt->offset + call.prompt->length);
  return part;
}

// The word stands as a key only before a colon, and nothing in such an answer is anybody's text.
bool differs(std::string_view beginning, Form form) {
  constexpr std::string_view kKey = "\"embedding\"";
  constexpr std::string_view kSpace = " \t\r\n";
  for (std::size_t at = beginning.find(kKey); at != std::string_view::npos; at = beginning.find(kKey, at + 1)) {
    const std::size_t colon = beginning.find_first_not_of(kSpace, at + kKey.size());
    if (colon == std::string_view::npos || beginning[colon] != ':') continue;
    const std::size_t value = beginning.find_first_not_of(kSpace, colon + 1);
    return value != std::string_view::npos && beginning[value] == (form == Form::base64 ? '[' : '"');
  }
  return false;
}

Result<Unit> Collection::add(std::string_view answer, std::size_t count) {
  std::optional<std::vector<Member>> vectors;
  json::ObjectScan scan{answer};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "data") && member->kind == Kind::array) vectors = read_vectors(member->value);
    if (json::key_is(*member, "model") && member->kind == Kind::string && count_ == 0) model_ = member->value;
  }
  if (scan.failed() || !vectors) return malformed("no list of embeddings");
  if (count > 0 && vectors->size() != count) {
    return malformed(std::to_string(vectors->size()) + " embeddings of " + std::to_string(count) + " inputs");
  }
  for (const Member& vector : *vectors) {
    const std::optional<std::string> written = in_form(vector, form_);
    if (!written) return malformed("an embedding that is no vector");
    if (count_ > 0) data_ += ',';
    data_ += R"({"object":"embedding","index":)" + std::to_string(count_++) + ",\"embedding\":" + *written + '}';
  }
  const std::optional<llm::Usage> usage = openai::find_usage(answer);
  if (!usage) return Unit{};
  usage_.prompt_tokens += usage->prompt_tokens;
  usage_.source = usage->source;
  return Unit{};
}

std::string Collection::answer(std::string_view model) const {
  std::string out = R"({"object":"list","data":[)" + data_ + "],\"model\":";
  if (model.empty() && !model_.empty()) {
    out += model_;
  } else {
    json::append_string(out, model);
  }
  const std::string tokens = std::to_string(usage_.prompt_tokens);
  return out + ",\"usage\":{\"prompt_tokens\":" + tokens + ",\"total_tokens\":" + tokens + "}}";
}

}  // namespace intragate::dialect::embeddings
