#include "dialect/protobuf.h"

#include <gtest/gtest.h>

#include <limits>

namespace intragate::dialect::protobuf {
namespace {

// The fields of a message as "number=value".
std::string read(std::string_view message) {
  std::string out;
  FieldScan scan{message};
  while (const std::optional<Field> field = scan.next()) {
    const bool bytes = field->wire == Field::Wire::bytes;
    out +=
        std::to_string(field->number) + '=' + (bytes ? std::string{field->bytes} : std::to_string(field->value)) + ' ';
  }
  return scan.bad() ? out + "bad" : out;
}

TEST(Protobuf, ReadsWhatItWrites) {
  std::string message;
  append_number(message, 1, 0);
  append_number(message, 2, 300);
  append_number(message, 536870911, std::numeric_limits<std::uint64_t>::max());
  append_bytes(message, 16, "text");
  append_bytes(message, 4, "");
  EXPECT_EQ(read(message), "1=0 2=300 536870911=18446744073709551615 16=text 4= ");
}

TEST(Protobuf, ReadsTheExamplesOfItsSpecification) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read("\x08\x96\x01"sv), "1=150 ");
  EXPECT_EQ(read("\x12\x07testing"sv), "2=testing ");
  EXPECT_EQ(read("\x1a\x03\x08\x96\x01"sv), "3=\x08\x96\x01 ");
  EXPECT_EQ(read("\x0d\x01\0\0\0\x11\x02\0\0\0\0\0\0\0"sv), "1=1 2=2 ");
}

TEST(Protobuf, NothingBehindWhatIsBroken) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read("\x08"sv), "bad");
  EXPECT_EQ(read("\x08\x80"sv), "bad");
  EXPECT_EQ(read("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv), "bad") << "eleven bytes";
  EXPECT_EQ(read("\x12\x05test"sv), "bad") << "longer than the message";
  EXPECT_EQ(read("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv), "bad");
  EXPECT_EQ(read("\x00\x01"sv), "bad") << "field 0";
  EXPECT_EQ(read("\x0b"sv), "bad") << "a group";
  EXPECT_EQ(read("\x08\x01\x0d\x01"sv), "1=1 bad");
}

}  // namespace
}  // namespace intragate::dialect::protobuf
