// Protocol Buffers on the wire, as little of it as messages with a few known fields need: what is not known is skipped.
// Owner: the caller; views point into what was read. Thread: any (pure). Does not: know any message, check UTF-8, read
// groups (an error, as nobody writes them any more). Source: protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace intragate::dialect::protobuf {

struct Field {
  enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
  std::uint32_t number = 0;
  Wire wire = Wire::varint;
  std::uint64_t value = 0;   // varint, fixed32, fixed64
  std::string_view bytes{};  // bytes: a text, a message, a packed list

  [[nodiscard]] bool is(std::uint32_t wanted, Wire kind) const { return number == wanted && wire == kind; }
  [[nodiscard]] bool is_bytes(std::uint32_t wanted) const { return is(wanted, Wire::bytes); }
  [[nodiscard]] bool is_true(std::uint32_t wanted) const { return is(wanted, Wire::varint) && value != 0; }
};

// The fields of one message, in order.
class FieldScan {
 public:
  explicit FieldScan(std::string_view message) : rest_{message} {}
  std::optional<Field> next();
  // Whether the message broke off or is none; then there are no more fields.
  [[nodiscard]] bool bad() const { return bad_; }

 private:
  std::optional<std::uint64_t> varint();
  std::optional<std::uint64_t> fixed(std::size_t size);
  std::string_view rest_;
  bool bad_ = false;
};

// What fields are written as. Empty texts and zeros have to be left out by the caller, if he wants to.
void append_varint(std::string& out, std::uint64_t value);
void append_number(std::string& out, std::uint32_t field, std::uint64_t value);
void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes);

}  // namespace intragate::dialect::protobuf
