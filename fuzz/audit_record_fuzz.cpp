// Any record becomes exactly one line of valid JSON with all fields, however hostile the texts in it are.
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/chain.h"
#include "audit/record.h"
#include "fuzz/require.h"

using namespace intragate;

namespace {

// Hands out pieces of the input.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_{bytes} {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (const char c : take(8)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view text() {
    const std::size_t length = rest_.empty() ? 0 : static_cast<unsigned char>(rest_.front()) * 5U;
    take(1);
    return take(length);
  }

 private:
  std::string_view take(std::size_t n) {
    const std::string_view piece = rest_.substr(0, n);
    rest_.remove_prefix(piece.size());
    return piece;
  }
  std::string_view rest_;
};

audit::Record record_of(Input input) {
  audit::Record record;
  record.time = WallTime{Duration{static_cast<std::int64_t>(input.number())}};
  record.queue = Duration{static_cast<std::int64_t>(input.number())};
  record.total = Duration{static_cast<std::int64_t>(input.number())};
  record.attempts = static_cast<std::uint32_t>(input.number());
  record.status = static_cast<int>(input.number());
  record.usage.prompt_tokens = input.number();
  record.bytes_in = input.number();
  std::array<std::uint8_t, 16> address{};
  for (std::uint8_t& byte : address) byte = static_cast<std::uint8_t>(input.number());
  record.address = IpAddress::v6(address);
  for (std::string_view* text : {&record.request_id, &record.principal, &record.end_user, &record.certificate,
                                 &record.model, &record.endpoint}) {
    *text = input.text();
  }
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const audit::Record record = record_of(Input{{reinterpret_cast<const char*>(data), size}});
  std::string line = "before";
  audit::Link last{.seq = 42};
  audit::append_seq(line, last.seq);
  audit::append_fields(line, record);
  audit::seal(line, std::string_view{"before"}.size(), last);
  fuzz::require(line.starts_with("before{\"seq\":42,"), "appends, number first");
  line.erase(0, 6);
  fuzz::require(line.size() < 48 * 1024, "bounded");
  fuzz::require(line.find('\n') == line.size() - 1, "one line");

  const auto sealed = audit::read_sealed(std::string_view{line}.substr(0, line.size() - 1));
  fuzz::require(sealed && audit::intact(*sealed) && sealed->seq == 42, "sealed");

  static simdjson::dom::parser parser;
  simdjson::dom::object object;
  fuzz::require(parser.parse(line).get(object) == simdjson::SUCCESS, "valid JSON");
  fuzz::require(object.size() == 26, "all fields");
  std::string_view text;
  fuzz::require(object["time"].get(text) == simdjson::SUCCESS && text.size() == 24, "time");
  std::uint64_t tokens = 0;
  fuzz::require(object["prompt_tokens"].get(tokens) == simdjson::SUCCESS && tokens == record.usage.prompt_tokens,
                "tokens");
  return 0;
}
