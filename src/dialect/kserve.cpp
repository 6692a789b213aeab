#include "dialect/kserve.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "base/json_write.h"
#include "base/text.h"
#include "dialect/protobuf.h"

namespace intragate::dialect::kserve {
namespace {

using config::TensorType;
using protobuf::Field;
using protobuf::FieldScan;

// Field numbers of the messages.
namespace request_field {
constexpr std::uint32_t kModel = 1;
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kInputs = 5;
constexpr std::uint32_t kOutputs = 6;
constexpr std::uint32_t kRaw = 7;
}  // namespace request_field
namespace answer_field {
constexpr std::uint32_t kOutputs = 5;
constexpr std::uint32_t kRaw = 6;
}  // namespace answer_field
namespace tensor_field {
constexpr std::uint32_t kName = 1;
constexpr std::uint32_t kType = 2;
constexpr std::uint32_t kShape = 3;
constexpr std::uint32_t kContents = 5;
// In the contents.
constexpr std::uint32_t kSingles = 6;
constexpr std::uint32_t kDoubles = 7;
constexpr std::uint32_t kTexts = 8;
}  // namespace tensor_field
namespace stream_field {
constexpr std::uint32_t kError = 1;
constexpr std::uint32_t kAnswer = 2;
}  // namespace stream_field

constexpr std::size_t kFrameHead = 5;
constexpr unsigned kTrailers = 0x80;

// Least byte first.
void append_fixed(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
}

template <class Whole>
std::optional<std::uint64_t> whole(std::string_view text) {
  Whole value{};
  const auto [end, failed] = std::from_chars(text.begin(), text.end(), value);
  if (failed == std::errc{} && end == text.end()) return static_cast<std::uint64_t>(value);
  double real = 0;  // 40.0 or 1e3
  const auto [last, wrong] = std::from_chars(text.begin(), text.end(), real);
  constexpr double kExact = 9007199254740992;
  const bool fits = wrong == std::errc{} && last == text.end() && std::abs(real) <= kExact &&
                    real >= static_cast<double>(std::numeric_limits<Whole>::lowest()) &&
                    real <= static_cast<double>(std::numeric_limits<Whole>::max()) && std::trunc(real) == real;
  if (!fits) return std::nullopt;
  return static_cast<std::uint64_t>(static_cast<Whole>(real));
}

std::optional<std::uint64_t> single(std::string_view text) {
  float value = 0;
  const auto [end, failed] = std::from_chars(text.begin(), text.end(), value);
  if (failed != std::errc{} || end != text.end() || !std::isfinite(value)) return std::nullopt;
  return std::bit_cast<std::uint32_t>(value);
}

// A value as raw_input_contents has it; false: the type cannot hold it.
bool append_value(std::string& out, TensorType type, std::string_view value) {
  std::optional<std::uint64_t> bits;
  std::size_t size = sizeof(std::uint32_t);
  switch (type) {
    case TensorType::bytes:
      append_fixed(out, value.size(), size);
      out += value;
      return true;
    case TensorType::boolean: out += value == "true" ? '\1' : '\0'; return true;
    case TensorType::int32: bits = whole<std::int32_t>(value); break;
    case TensorType::fp32: bits = single(value); break;
    case TensorType::int64:
      bits = whole<std::int64_t>(value);
      size = sizeof(std::uint64_t);
      break;
    case TensorType::uint64:
      bits = whole<std::uint64_t>(value);
      size = sizeof(std::uint64_t);
      break;
  }
  if (bits) append_fixed(out, *bits, size);
  return bits.has_value();
}

void append_tensor(std::string& message, const Tensor& tensor, bool batched) {
  std::string inner;
  protobuf::append_bytes(inner, tensor_field::kName, tensor.name);
  protobuf::append_bytes(inner, tensor_field::kType, type_name(tensor.type));
  std::string shape;
  if (batched) protobuf::append_varint(shape, tensor.rows);
  protobuf::append_varint(shape, tensor.values.size() / (batched ? tensor.rows : 1));
  protobuf::append_bytes(inner, tensor_field::kShape, shape);
  protobuf::append_bytes(message, request_field::kInputs, inner);
}

// The first text of a BYTES tensor in raw form.
std::optional<std::string_view> first_text(std::string_view raw, bool& malformed) {
  constexpr std::size_t kSize = sizeof(std::uint32_t);
  if (raw.empty()) return std::nullopt;
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSize && i < raw.size(); ++i) {
    size |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
  }
  malformed = raw.size() < kSize || size > raw.size() - kSize;
  if (malformed) return std::nullopt;
  return raw.substr(kSize, static_cast<std::size_t>(size));
}

struct OutputTensor {
  std::string_view name;
  std::string_view type;
  std::uint64_t columns = 0;  // the last dimension
  std::optional<std::string_view> contents;
  bool malformed = false;
};

// Of a packed list; 0: it is none.
std::uint64_t last_number(std::string_view packed) {
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (const char c : packed) {
    const auto byte = static_cast<unsigned char>(c);
    if (shift == 0) value = 0;
    if (shift < 64) value |= std::uint64_t{byte & 0x7FU} << shift;
    shift = (byte & 0x80U) != 0 ? shift + 7 : 0;
  }
  return shift == 0 ? value : 0;
}

OutputTensor read_tensor(std::string_view message) {
  OutputTensor tensor;
  FieldScan scan{message};
  while (const std::optional<Field> field = scan.next()) {
    if (field->is_bytes(tensor_field::kName)) tensor.name = field->bytes;
    if (field->is_bytes(tensor_field::kType)) tensor.type = field->bytes;
    if (field->is_bytes(tensor_field::kShape)) tensor.columns = last_number(field->bytes);
    if (field->is_bytes(tensor_field::kContents)) tensor.contents = field->bytes;
  }
  tensor.malformed = scan.bad();
  return tensor;
}

void take_contents(std::string_view contents, InferAnswer& into) {
  FieldScan scan{contents};
  while (const std::optional<Field> field = scan.next()) {
    if (into.numbers && field->is_bytes(into.numbers->type == "FP64" ? tensor_field::kDoubles : tensor_field::kSingles))
      into.numbers->bytes = field->bytes;
    if (!into.numbers && field->is_bytes(tensor_field::kTexts) && !into.text) into.text = field->bytes;
  }
  into.malformed = into.malformed || scan.bad();
}

std::string describe_number(std::string_view type, std::string_view raw) {
  std::uint64_t bits = 0;
  for (std::size_t i = raw.size(); i > 0; --i) bits = bits << 8 | static_cast<unsigned char>(raw[i - 1]);
  if (type == "BOOL") return bits == 0 ? "false" : "true";
  if (type == "INT32") return std::to_string(static_cast<std::int32_t>(bits));
  if (type == "INT64") return std::to_string(static_cast<std::int64_t>(bits));
  if (type == "UINT64") return std::to_string(bits);
  return std::to_string(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
}

void describe_values(std::string_view type, std::string_view raw, json::Writer& json) {
  json.open_array("contents");
  constexpr std::size_t kSize = sizeof(std::uint32_t);
  const std::size_t size = type == "INT64" || type == "UINT64" ? 8 : type == "BOOL" ? 1 : kSize;
  while (raw.size() >= size) {
    bool malformed = false;
    const std::optional<std::string_view> text = type == "BYTES" ? first_text(raw, malformed) : std::nullopt;
    if (malformed) break;
    json.element(text ? std::string{*text} : describe_number(type, raw.substr(0, size)));
    raw.remove_prefix(size + (text ? text->size() : 0));
  }
  json.close_array();
}

}  // namespace

Result<std::string> infer_request(const InferRequest& request) {
  std::string message(kFrameHead, '\0');
  protobuf::append_bytes(message, request_field::kModel, request.model);
  if (!request.version.empty()) protobuf::append_bytes(message, request_field::kVersion, request.version);
  for (const Tensor& tensor : request.inputs) append_tensor(message, tensor, request.batched);
  std::string output;
  protobuf::append_bytes(output, tensor_field::kName, request.output);
  protobuf::append_bytes(message, request_field::kOutputs, output);
  std::string raw;
  for (const Tensor& tensor : request.inputs) {
    raw.clear();
    for (const std::string& value : tensor.values) {
      if (append_value(raw, tensor.type, value)) continue;
      return make_error(Code::invalid_request, "This model's `" + tensor.name + "` is of type " +
                                                   std::string{type_name(tensor.type)} +
                                                   " and cannot be what was sent.");
    }
    protobuf::append_bytes(message, request_field::kRaw, raw);
  }
  const std::size_t size = message.size() - kFrameHead;
  for (std::size_t i = 1; i < kFrameHead; ++i) message[i] = static_cast<char>(size >> (8 * (kFrameHead - 1 - i)));
  return message;
}

std::string describe(std::string_view request) {
  const std::optional<Frame> frame = next_frame(request);
  if (!frame || frame->kind != Frame::Kind::message) return {};
  std::string text;
  json::Writer json{text};
  json.open_object();
  std::vector<std::string_view> raws;
  for (const bool inputs : {false, true}) {
    if (inputs) json.open_array("inputs");
    std::size_t at = 0;
    FieldScan scan{frame->data};
    while (const std::optional<Field> field = scan.next()) {
      if (!inputs && field->is_bytes(request_field::kModel)) json.text("model_name", field->bytes);
      if (!inputs && field->is_bytes(request_field::kVersion)) json.text("model_version", field->bytes);
      if (!inputs && field->is_bytes(request_field::kRaw)) raws.push_back(field->bytes);
      if (!inputs || !field->is_bytes(request_field::kInputs) || at == raws.size()) continue;
      const OutputTensor tensor = read_tensor(field->bytes);
      json.open_object().text("name", tensor.name).text("datatype", tensor.type);
      describe_values(tensor.type, raws[at++], json);
      json.close_object();
    }
  }
  json.close_array().close_object();
  return text;
}

InferAnswer read_answer(std::string_view message, std::string_view output) {
  InferAnswer answer;
  OutputTensor wanted;
  std::size_t tensors = 0;
  std::size_t place = 0;  // of the one that is wanted
  FieldScan outputs{message};
  while (const std::optional<Field> field = outputs.next()) {
    if (!field->is_bytes(answer_field::kOutputs)) continue;
    const OutputTensor tensor = read_tensor(field->bytes);
    answer.malformed = answer.malformed || tensor.malformed;
    if (tensor.name == output && !answer.found) {
      answer.found = true;
      wanted = tensor;
      place = tensors;
    }
    ++tensors;
  }
  answer.malformed =
      answer.malformed || outputs.bad() || (answer.found && wanted.type != "BYTES" && !holds_numbers(wanted.type));
  if (answer.malformed || !answer.found) return answer;
  if (wanted.type != "BYTES") answer.numbers = Numbers{wanted.type, wanted.columns, {}};
  if (wanted.contents) take_contents(*wanted.contents, answer);
  std::size_t at = 0;
  FieldScan raws{message};
  while (const std::optional<Field> field = raws.next()) {
    if (!field->is_bytes(answer_field::kRaw) || at++ != place) continue;
    if (answer.numbers) {
      answer.numbers->bytes = field->bytes;
      continue;
    }
    bool malformed = false;
    answer.text = first_text(field->bytes, malformed);
    answer.malformed = answer.malformed || malformed;
  }
  return answer;
}

// Other servers than Triton put the answers into the stream as they are: they have outputs, where Triton's have not.
InferAnswer read_stream_answer(std::string_view message, std::string_view output) {
  std::string_view error;
  std::string_view inner;
  bool plain = false;
  FieldScan scan{message};
  while (const std::optional<Field> field = scan.next()) {
    if (field->is_bytes(stream_field::kError)) error = field->bytes;
    if (field->is_bytes(stream_field::kAnswer)) inner = field->bytes;
    plain = plain || field->is_bytes(answer_field::kOutputs) || field->is_bytes(answer_field::kRaw);
  }
  if (scan.bad()) return {.malformed = true, .error = {}, .found = false, .text = {}, .numbers = {}};
  if (plain) return read_answer(message, output);
  if (!error.empty()) return {.malformed = false, .error = error, .found = false, .text = {}, .numbers = {}};
  return read_answer(inner, output);
}

std::optional<Frame> next_frame(std::string_view& bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  std::size_t size = 0;
  for (std::size_t i = 1; i < kFrameHead && i < bytes.size(); ++i) size = size << 8 | byte(i);
  const unsigned flag = byte(0);
  const bool whole = bytes.size() >= kFrameHead && size <= bytes.size() - kFrameHead;
  // Packed messages (flag 1) are not asked for.
  if (!whole || (flag != 0 && flag != kTrailers)) {
    bytes = {};
    return Frame{};
  }
  const Frame frame{flag == kTrailers ? Frame::Kind::trailers : Frame::Kind::message, bytes.substr(kFrameHead, size)};
  bytes.remove_prefix(kFrameHead + size);
  return frame;
}

Status status_of(std::string_view trailers) {
  constexpr std::string_view kCode = "grpc-status:";
  constexpr std::string_view kMessage = "grpc-message:";
  Status status;
  while (!trailers.empty()) {
    const std::size_t end = std::min(trailers.find("\r\n"), trailers.size());
    const std::string_view line = trailers.substr(0, end);
    trailers.remove_prefix(std::min(end + 2, trailers.size()));
    if (line.starts_with(kCode)) {
      const std::optional<std::uint64_t> code = text::parse_unsigned(text::trim(line.substr(kCode.size())));
      if (code && *code <= static_cast<std::uint64_t>(std::numeric_limits<int>::max()))
        status.code = static_cast<int>(*code);
    }
    if (line.starts_with(kMessage)) status.message = text::trim(line.substr(kMessage.size()));
  }
  return status;
}

bool says_ready(std::string_view body) {
  const std::optional<Frame> frame = next_frame(body);
  if (!frame || frame->kind != Frame::Kind::message) return false;
  bool ready = false;
  FieldScan scan{frame->data};
  while (const std::optional<Field> field = scan.next()) ready = field->is_true(1);
  return ready && !scan.bad();
}

}  // namespace intragate::dialect::kserve
