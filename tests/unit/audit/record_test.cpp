#include "audit/record.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <fstream>
#include <iterator>
#include <vector>

#include "audit/chain.h"

namespace intragate::audit {
namespace {

using namespace std::chrono_literals;

Record full_record() {
  Record record;
  record.time = WallTime{1'767'225'599'123ms};
  record.request_id = "req_0";
  record.principal = "dify";
  record.key_id = "0123456789ab";
  record.end_user = "alice";
  record.address = IpAddress::v4({10, 0, 12, 255});
  record.api = "chat";
  record.model = "qwen";
  record.endpoint = "http://10.0.0.5:8000/v1";
  record.attempts = 2;
  record.status = 200;
  record.outcome = "ok";
  record.usage = {.prompt_tokens = 12, .completion_tokens = 34, .source = llm::UsageSource::upstream};
  record.queue = 12'345us;
  record.first_byte = 7ms;
  record.total = 1'234'567'999ns;
  record.bytes_in = 1000;
  record.bytes_out = 2000;
  return record;
}

// The whole line, as the writer makes it.
void append_json(std::string& out, const Record& record, std::uint64_t seq) {
  const std::size_t begin = out.size();
  Link last{.seq = seq};
  append_seq(out, seq);
  append_fields(out, record);
  seal(out, begin, last);
}

TEST(AuditRecord, IsExactlyThisLine) {
  std::string line;
  append_json(line, full_record(), 17);
  EXPECT_EQ(
      line,
      R"({"seq":17,"time":"2025-12-31T23:59:59.123Z","request_id":"req_0","principal":"dify",)"
      R"("key_id":"0123456789ab","end_user":"alice","address":"10.0.12.255","certificate":"","api":"chat",)"
      R"("model":"qwen","endpoint":"http://10.0.0.5:8000/v1","attempts":2,"status":200,"outcome":"ok","error":"",)"
      R"("prompt_tokens":12,"completion_tokens":34,"usage_source":"upstream","queue_ms":12.345,)"
      R"("first_byte_ms":7.000,"total_ms":1234.567,"bytes_in":1000,"bytes_out":2000,"content":null,)"
      R"("prev":"0000000000000000000000000000000000000000000000000000000000000000",)"
      R"("hash":"948107b21dda4361a417e28b3995d0ca5eb6ffebd54c77d869cc099ce94c3217"})"
      "\n");
}

TEST(AuditRecord, SaysWhatDidNotHappen) {
  std::string line;
  append_json(line, Record{}, 1);
  EXPECT_NE(line.find("\"first_byte_ms\":null,"), std::string::npos);
  EXPECT_NE(line.find("\"address\":\"\","), std::string::npos);
  EXPECT_NE(line.find("\"usage_source\":\"none\","), std::string::npos);
}

TEST(AuditRecord, SaysWhatContentRulesFoundOnlyIfTheyDid) {
  Record record;
  std::string line;
  append_json(line, record, 1);
  EXPECT_EQ(line.find("content_rules"), std::string::npos);
  record.content_rules = R"([{"rule":"a","action":"mask","in":"prompt","count":2}])";
  line.clear();
  append_json(line, record, 1);
  EXPECT_NE(
      line.find(R"("content":null,"content_rules":[{"rule":"a","action":"mask","in":"prompt","count":2}],"prev")"),
      std::string::npos);
}

TEST(AuditRecord, WritesIpv6Addresses) {
  Record record;
  record.address = *IpAddress::parse("2001:db8::1");
  std::string line;
  append_json(line, record, 1);
  EXPECT_NE(line.find("\"address\":\"2001:db8::1\","), std::string::npos);
}

TEST(AuditRecord, StaysOneLineWhateverAClientSends) {
  Record record;
  record.model = "a\"b\\c\nd\r\x01\xff";
  std::string line;
  append_json(line, record, 1);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  simdjson::dom::parser parser;
  const simdjson::dom::element object = parser.parse(line);
  EXPECT_EQ(std::string_view{object["model"]}, "a\"b\\c\nd\r\x01\xEF\xBF\xBD");
}

TEST(AuditRecord, CutsLongTextsBetweenCharacters) {
  const std::string long_name = std::string(511, 'a') + "ääää";  // byte 512 is in the middle of an ä
  Record record;
  record.end_user = long_name;
  std::string line;
  append_json(line, record, 1);
  simdjson::dom::parser parser;
  const simdjson::dom::element object = parser.parse(line);
  EXPECT_EQ(std::string_view{object["end_user"]}, std::string(511, 'a'));
}

TEST(AuditRecord, AnEventIsARecordWithTwoFieldsMore) {
  std::string line;
  append_fields(line, WallTime{},
                {.name = "keys.create",
                 .actor = "admin",
                 .address = IpAddress::v4({10, 0, 0, 1}),
                 .outcome = "refused",
                 .error = "io",
                 .detail = R"({"name":"dify"})"});
  EXPECT_EQ(line,
            R"(,"time":"1970-01-01T00:00:00.000Z","event":"keys.create","request_id":"","principal":"admin",)"
            R"("key_id":"","end_user":"","address":"10.0.0.1","certificate":"","api":"","model":"","endpoint":"",)"
            R"("attempts":0,"status":0,"outcome":"refused","error":"io","prompt_tokens":0,"completion_tokens":0,)"
            R"("usage_source":"none","queue_ms":0.000,"first_byte_ms":null,"total_ms":0.000,"bytes_in":0,)"
            R"("bytes_out":0,"content":null,"detail":{"name":"dify"})");
}

TEST(AuditRecord, AnEventsDetailCanNeitherBreakTheLineNorGrowWithoutBound) {
  for (const std::string& detail : {std::string{"{\n}"}, std::string(kLongestDetail + 1, ' '), std::string{}}) {
    std::string line;
    append_fields(line, WallTime{}, {.name = "reload", .actor = "signal", .detail = detail});
    EXPECT_TRUE(line.ends_with(",\"detail\":null"));
  }
}

// Whoever reads records looks here; the page must name every field in its order, and no other.
TEST(AuditRecord, FieldsAreThoseOfTheDocumentation) {
  std::ifstream file{INTRAGATE_SOURCE_DIR "/docs/audit.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  std::vector<std::string> documented;
  for (std::size_t at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) {
    documented.push_back(page.substr(at + 4, page.find('`', at + 4) - at - 4));
  }
  std::string line;
  append_json(line, full_record(), 1);
  simdjson::dom::parser parser;
  std::vector<std::string> written;
  for (const auto& field : simdjson::dom::object{parser.parse(line)}) written.emplace_back(field.key);
  EXPECT_EQ(documented, written);
}

}  // namespace
}  // namespace intragate::audit
