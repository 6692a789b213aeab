#include "dialect/engine_load.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/json_scan.h"

namespace intragate::dialect {
namespace {

constexpr std::array<std::string_view, 3> kWaiting{"vllm:num_requests_waiting", "sglang:num_queue_reqs",
                                                   "llamacpp:requests_deferred"};
constexpr std::array<std::string_view, 4> kCacheUsed{"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc",
                                                     "sglang:token_usage", "llamacpp:kv_cache_usage_ratio"};

constexpr std::array<std::string_view, 3> kRunning{"vllm:num_requests_running", "sglang:num_running_reqs",
                                                   "llamacpp:requests_processing"};

struct Sample {
  std::string_view name;
  double value = 0;
};

// `name{labels} value [time]`; nothing for comments, and for values that are no finite number of at least 0. Label
// values may hold spaces and escaped quotes, so the labels end where the last brace is.
std::optional<Sample> read_sample(std::string_view line) {
  const std::size_t name_end = line.find_first_of("{ \t");
  if (line.empty() || line.front() == '#' || name_end == std::string_view::npos) return std::nullopt;
  const std::size_t brace = line[name_end] == '{' ? line.rfind('}') : name_end;
  if (brace == std::string_view::npos) return std::nullopt;
  const std::size_t begin = line.find_first_not_of(" \t", brace + 1);
  if (begin == std::string_view::npos) return std::nullopt;
  Sample sample{.name = line.substr(0, name_end)};
  const auto [end, failed] = std::from_chars(line.data() + begin, line.data() + line.size(), sample.value);
  const bool whole = end == line.data() + line.size() || *end == ' ' || *end == '\t' || *end == '\r';
  const bool usable = failed == std::errc{} && whole && sample.value >= 0 && sample.value <= 1e15;
  return usable ? std::optional{sample} : std::nullopt;
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Of the page's first line, which is taken away.
std::optional<Sample> next_sample(std::string_view& page) {
  const std::size_t end = std::min(page.find('\n'), page.size());
  const std::optional<Sample> sample = read_sample(page.substr(0, end));
  page.remove_prefix(std::min(end + 1, page.size()));
  return sample;
}

}  // namespace

std::optional<EngineLoad> read_engine_load(std::string_view page) {
  std::optional<EngineLoad> load;
  while (!page.empty()) {
    const std::optional<Sample> sample = next_sample(page);
    if (!sample) continue;
    const bool waiting = is_one_of(sample->name, kWaiting);
    const bool cache = is_one_of(sample->name, kCacheUsed);
    if (!load && (waiting || cache)) load.emplace();
    if (waiting) load->waiting += sample->value;
    if (cache) load->cache_used = std::max(load->cache_used, std::min(sample->value, 1.0));
  }
  return load;
}

std::optional<double> read_engine_running(std::string_view page) {
  std::optional<double> running;
  while (!page.empty()) {
    const std::optional<Sample> sample = next_sample(page);
    if (sample && is_one_of(sample->name, kRunning)) running = running.value_or(0) + sample->value;
  }
  return running;
}

std::optional<std::uint32_t> read_total_slots(std::string_view page) {
  constexpr std::uint64_t kMost = 100'000;
  std::optional<std::uint32_t> slots;
  json::ObjectScan scan{page};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->kind != json::Kind::number || !json::key_is(*member, "total_slots")) continue;
    const std::optional<std::uint64_t> number = json::unsigned_number(member->value);
    slots.reset();
    if (number && *number >= 1 && *number <= kMost) slots = static_cast<std::uint32_t>(*number);
  }
  return scan.failed() ? std::nullopt : slots;
}

}  // namespace intragate::dialect
