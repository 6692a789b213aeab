// audit_files DIRECTORY RECORDS [PER_FILE_MIB] [zstd]: audit files as a gateway leaves them behind, written by the real
// writer as fast as it takes them. Prints how long that took.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "audit/writer.h"

namespace {

using namespace intragate;

std::uint64_t number(const char* text) {
  std::uint64_t value = 0;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

audit::Record record_of(const std::string& id, const std::string& user) {
  audit::Record record;
  record.time = std::chrono::system_clock::now();
  record.request_id = id;
  record.principal = "dify";
  record.key_id = "3f1c9a7e3b2d";
  record.end_user = user;
  record.address = IpAddress::v4({10, 0, 1, 17});
  record.api = "chat";
  record.model = "qwen2.5-7b";
  record.endpoint = "http://10.0.0.5:8000/v1";
  record.attempts = 1;
  record.status = 200;
  record.outcome = "ok";
  record.usage = {.prompt_tokens = 812, .completion_tokens = 233, .source = llm::UsageSource::upstream};
  record.queue = std::chrono::microseconds{13};
  record.first_byte = std::chrono::milliseconds{187};
  record.total = std::chrono::milliseconds{4211};
  record.bytes_in = 4711;
  record.bytes_out = 18200;
  return record;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: audit_files DIRECTORY RECORDS [PER_FILE_MIB] [zstd]\n");
    return EXIT_FAILURE;
  }
  const std::uint64_t records = number(words[2]);
  audit::Writer::Options options;
  options.directory = words[1];
  if (count > 3) options.file_limit = number(words[3]) << 20U;
  options.archive.compress = count > 4 && std::string{words[4]} == "zstd";
  const auto begun = std::chrono::steady_clock::now();
  Result<std::unique_ptr<audit::Writer>> writer = audit::Writer::open(options);
  if (!writer) {
    std::fprintf(stderr, "audit_files: %s\n", writer.error().message.c_str());
    return EXIT_FAILURE;
  }
  for (std::uint64_t i = 0; i < records; ++i) {
    // Before the lane is full: a dropped record would be a gap.
    while ((*writer)->waiting() > 8'000) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    const std::string id = "call-" + std::to_string(i);
    const std::string user = "user-" + std::to_string(i % 997);
    (*writer)->append(0, record_of(id, user));
  }
  (*writer)->stop();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%llu records in %.1f s, %llu dropped\n", static_cast<unsigned long long>((*writer)->written()),
              took.count(), static_cast<unsigned long long>((*writer)->dropped()));
  return (*writer)->dropped() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
