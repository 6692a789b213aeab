#include "config/key_table.h"

#include <algorithm>
#include <array>

#include "base/wildcard.h"

namespace intragate::config {
namespace {

using enum Shape;
constexpr Use kLater = Use::unavailable;
constexpr Use kHint = Use::ignored;

// clang-format off
constexpr auto kTable = std::to_array<KeyRow>({
    {"listen",                         sections, "[{address: 127.0.0.1:8080}]"},
    {"listen[].address",               address,  kRequired},
    {"listen[].allow",                 ranges,   "private"},
    {"listen[].trusted_proxies",       ranges,   "[]"},
    {"listen[].max_connections",       count,    "10000", "1..1000000"},
    {"listen[].max_head",              size,     "32KiB", "1KiB..1MiB"},
    {"listen[].max_body",              size,     "32MiB", "1KiB..4GiB"},
    {"listen[].max_upload",            size,     "512MiB", "1KiB..64GiB"},
    {"listen[].timeouts",              section},
    {"listen[].timeouts.head",         duration, "10s", "1ms..1h"},
    {"listen[].timeouts.body",         duration, "30s", "1ms..1h"},
    {"listen[].timeouts.idle",         duration, "75s", "1ms..1h"},
    {"listen[].timeouts.write",        duration, "60s", "1ms..1h"},
    {"listen[].tls",                   section},
    {"listen[].tls.certificate",       path,     kRequired},
    {"listen[].tls.key",               path,     kRequired},
    {"listen[].tls.client_certificate", choice,  "none", "none | optional | required"},
    {"listen[].tls.client_ca",         path},
    {"listen[].tls.crl",               path},

    {"admin",                          section},
    {"admin.address",                  address,  "127.0.0.1:8081"},
    {"admin.token",                    secret},
    {"admin.allow",                    ranges,   "private"},
    {"admin.tls",                      section},
    {"admin.tls.certificate",          path,     kRequired},
    {"admin.tls.key",                  path,     kRequired},
    {"admin.tls.client_certificate",   choice,   "none", "none | optional | required"},
    {"admin.tls.client_ca",            path},
    {"admin.tls.crl",                  path},
    {"admin.certificates",             sections, "[]"},
    {"admin.certificates[].cn",        text},
    {"admin.certificates[].san",       text},
    {"admin.certificates[].spiffe",    text},

    {"data_dir",                       path,     "./data"},
    {"store",                          choice,   "sqlite", "sqlite", "postgresql://* | postgres://*"},
    {"redis",                          url,      "", "", "", kLater},
    {"milvus",                         url,      "", "", "", kLater},
    {"rabbitmq",                       url,      "", "", "", kLater},
    {"egress",                         section},
    {"egress.allow",                   ranges,   "private"},
    {"drain",                          duration, "30s", "0s..1h"},
    {"workers",                        count,    "0", "0..256"},
    {"zone",                           text},
    {"memory_limit",                   size,     "512MiB", "1MiB..1TiB"},
    {"stream_buffer",                  size,     "4KiB", "1KiB..64MiB"},
    {"log",                            section},
    {"log.level",                      choice,   "info", "debug | info | warning | error"},
    {"audit",                          section},
    {"audit.content",                  choice,   "none", "none | digest | redacted | full"},
    {"audit.max_content",              size,     "16KiB", "1KiB..256KiB"},
    {"audit.on_full",                  choice,   "refuse", "refuse | drop"},
    {"audit.flush",                    duration, "100ms", "1ms..10s"},
    {"audit.file_size",                size,     "256MiB", "4KiB..4GiB"},
    {"audit.compress",                 choice,   "zstd", "zstd | off"},
    {"audit.keep",                     duration_or_off, "off", "1m..3650d"},
    {"audit.max_total",                size,     "", "16KiB..1024TiB"},
    {"audit.sign",                     section},
    {"audit.sign.key",                 secret,   kRequired},
    {"audit.sign.every",               duration, "1m", "1s..1d"},
    {"audit.copies",                   sections, "[]"},
    {"audit.copies[].to",              url,      kRequired},
    {"audit.copies[].tls",             section},
    {"audit.copies[].tls.ca",          path},
    {"audit.copies[].tls.certificate", path},
    {"audit.copies[].tls.key",         path},
    {"audit.copies[].tls.server_name", text},
    {"audit.copies[].tls.pin",         names,    "[]"},
    {"audit.copies[].tls.dangerously_trust_anyone", flag, "false"},
    {"audit.copies[].buffer",          size,     "16MiB", "64KiB..4GiB"},
    {"audit.copies[].on_full",         choice,   "drop", "refuse | drop"},

    {"models",                         sections, kRequired},
    {"models[].name",                  text,     kRequired},
    {"models[].aliases",               names,    "[]"},
    {"models[].kind",                  choice,   "", "chat | completion | embedding | rerank | transcription | speech"},
    {"models[].context_window",        count,    "", "1..1000000000"},
    {"models[].max_answer_tokens",     count,    "", "1..1000000000"},
    {"models[].fit_max_tokens",        flag,     "false"},
    {"models[].allow",                 ranges,   "any"},
    {"models[].balance",               choice,   "least_busy", "least_busy | round_robin | session"},
    {"models[].rerank_scores",         choice,   "auto", "auto | logits | unit"},
    {"models[].stream_buffer",         size,     "4KiB", "1KiB..64MiB"},
    {"models[].timeouts",              section},
    {"models[].timeouts.connect",      duration, "2s",  "1ms..1h"},
    {"models[].timeouts.first_byte",   duration, "25s", "1ms..1d"},
    {"models[].timeouts.between_chunks", duration, "30s", "1ms..1d"},
    {"models[].timeouts.total",        duration, "10m", "1ms..7d"},
    {"models[].retry",                 section},
    {"models[].retry.attempts",        count,    "3", "1..10"},
    {"models[].retry.backoff",         duration, "200ms", "0s..1m"},
    {"models[].retry.max_backoff",     duration, "5s", "0s..10m"},
    {"models[].retry.budget",          percent,  "20%", "0%..100%"},
    {"models[].hedge",                 section},
    {"models[].hedge.after",           duration_or_p95, "p95", "1ms..1h"},
    {"models[].hedge.budget",          percent,  "5%", "0%..100%"},
    {"models[].continue_on_failure",   flag,     "false"},
    {"models[].health",                section},
    {"models[].health.failures",       count,    "3", "1..1000000"},
    {"models[].health.window",         duration, "10s", "1s..1h"},
    {"models[].health.min_calls",      count,    "20", "1..1000000"},
    {"models[].health.error_rate",     percent,  "50%", "1%..100%"},
    {"models[].health.slow",           duration_or_off, "off", "1ms..1h"},
    {"models[].health.slow_rate",      percent,  "80%", "1%..100%"},
    {"models[].health.outlier",        percent,  "30%", "1%..100%"},
    {"models[].health.panic",          percent,  "0%", "0%..100%"},
    {"models[].health.cooldown",       duration, "10s", "1ms..1h"},
    {"models[].health.max_cooldown",   duration, "60s", "1ms..1d"},
    {"models[].health.probes",         count,    "1", "1..1000"},
    {"models[].health.slow_start",     duration_or_off, "10s", "1ms..1h"},
    {"models[].health.probe",          duration_or_off, "off", "1s..1h"},
    {"models[].cache",                 section,  "", "", "", kLater},
    {"models[].queue",                 section},
    {"models[].queue.size",            count,    "256", "0..100000"},
    {"models[].queue.user_share",      percent,  "25%", "1%..100%"},
    {"models[].queue.max_wait",        duration, "60s", "1ms..1h"},
    {"models[].queue.heartbeat",       duration, "10s", "1s..10m"},
    {"models[].batch",                 section},
    {"models[].batch.max_items",       count,    "", "1..100000"},
    {"models[].batch.window",          duration, "", "0s..10s", "", kHint},
    {"models[].reasoning",             choice,   "", "separate | inline | drop"},
    {"models[].repair",                flag,     "true"},
    {"models[].repair_except",         names,    "[]",
     "object | id | model | choices | index | delta | content | tool_calls | empty_delta | finish_reason | usage | error "
     "| done"},

    {"models[].endpoints",             sections, kRequired},
    {"models[].endpoints[].url",       url,      kRequired},
    {"models[].endpoints[].model",     text},
    {"models[].endpoints[].dialect",   choice,   "openai", "openai | ollama | tgi | triton | triton-grpc | template"},
    {"models[].endpoints[].auth",      section},
    {"models[].endpoints[].auth.type", auth_type, kRequired, "none | bearer | basic | header:NAME"},
    {"models[].endpoints[].auth.key",  secret},
    {"models[].endpoints[].weight",    count,    "1", "1..1000"},
    {"models[].endpoints[].ask_usage", flag,     "true"},
    {"models[].endpoints[].max_concurrency", count_or_auto, "", "1..100000"},
    {"models[].endpoints[].zone",      text},
    {"models[].endpoints[].keep_alive", text},
    {"models[].endpoints[].tls",       section},
    {"models[].endpoints[].tls.ca",    path},
    {"models[].endpoints[].tls.certificate", path},
    {"models[].endpoints[].tls.key",   path},
    {"models[].endpoints[].tls.server_name", text},
    {"models[].endpoints[].tls.pin",   names,    "[]"},
    {"models[].endpoints[].tls.dangerously_trust_anyone", flag, "false"},
    {"models[].endpoints[].template",  section},
    {"models[].endpoints[].template.method", choice, "POST", "POST | PUT | PATCH"},
    {"models[].endpoints[].template.path", text, kRequired},
    {"models[].endpoints[].template.headers", pairs},
    {"models[].endpoints[].template.body", text, kRequired},
    {"models[].endpoints[].template.answer", section},
    {"models[].endpoints[].template.answer.text", pointer},
    {"models[].endpoints[].template.answer.reasoning", pointer},
    {"models[].endpoints[].template.answer.finish_reason", pointer},
    {"models[].endpoints[].template.answer.prompt_tokens", pointer},
    {"models[].endpoints[].template.answer.completion_tokens", pointer},
    {"models[].endpoints[].template.answer.error", pointer},
    {"models[].endpoints[].template.stream", section},
    {"models[].endpoints[].template.stream.framing", choice, kRequired, "sse | ndjson | text"},
    {"models[].endpoints[].template.stream.text", pointer},
    {"models[].endpoints[].template.stream.reasoning", pointer},
    {"models[].endpoints[].template.stream.finish_reason", pointer},
    {"models[].endpoints[].template.stream.prompt_tokens", pointer},
    {"models[].endpoints[].template.stream.completion_tokens", pointer},
    {"models[].endpoints[].template.stream.error", pointer},
    {"models[].endpoints[].template.stream.done", text},
    {"models[].endpoints[].triton",    section},
    {"models[].endpoints[].triton.preset", choice, "vllm", "vllm | tensorrt-llm | text"},
    {"models[].endpoints[].triton.model", text},
    {"models[].endpoints[].triton.version", text},
    {"models[].endpoints[].triton.input", text,  "text_input"},
    {"models[].endpoints[].triton.output", text, "text_output"},
    {"models[].endpoints[].triton.batched", flag, "false"},
    {"models[].endpoints[].triton.decoupled", flag, "false"},
    {"models[].endpoints[].triton.inputs", names, "[]"},
    {"models[].endpoints[].chat_template", text},
    {"models[].endpoints[].tokenizer", path},
    {"models[].endpoints[].tool_calls", choice, "auto", "auto | none | hermes | llama | mistral | deepseek"},

    {"keys",                           sections, "[]"},
    {"keys[].name",                    text,     kRequired},
    {"keys[].hash",                    text},
    {"keys[].key",                     secret},
    {"keys[].certificate",             section},
    {"keys[].certificate.cn",          text},
    {"keys[].certificate.san",         text},
    {"keys[].certificate.spiffe",      text},
    {"keys[].require",                 choice,   "either", "either | both"},
    {"keys[].allow",                   ranges,   "any"},
    {"keys[].models",                  names,    "[\"*\"]"},
    {"keys[].apis",                    names,    "[\"*\"]",
                                               "* | chat | completions | embeddings | rerank | speech | transcription | messages | "
                                               "responses"},
    {"keys[].trust_user",              flag,     "false"},
    {"keys[].stream_usage",            choice,   "asked", "asked | always"},
    {"keys[].while_waiting",           choice,   "comments", "comments | interim"},
    {"keys[].created",                 moment},
    {"keys[].expires",                 moment},
    {"keys[].content",                 choice,   "", "none | digest | redacted | full"},
    {"key_policy",                     section},
    {"key_policy.max_age",             duration_or_off, "off", "1m..3650d"},
    {"key_policy.warn",                duration, "14d", "0s..3650d"},
    {"key_policy.enforce",             flag,     "false"},
    {"wrong_keys",                     section},
    {"wrong_keys.limit",               count,    "20", "0..1000000"},
    {"wrong_keys.window",              duration, "1m", "1s..1d"},
    {"wrong_keys.pause",               duration, "1m", "1s..1d"},
    {"wrong_keys.except",              ranges,   "[]"},

    {"limits",                         sections, "[]"},
    {"limits[].per",                   choice,   kRequired, "user | key | address | model"},
    {"limits[].name",                  text},
    {"limits[].concurrency",           count,    "", "1..100000"},
    {"limits[].requests_per_minute",   count,    "", "1..1000000000"},
    {"limits[].tokens_per_minute",     count,    "", "1..1000000000000"},
    {"limits[].tokens_per_day",        count,    "", "1..1000000000000"},
    {"limits[].tokens_per_month",      count,    "", "1..1000000000000"},
    {"limits[].weight",                count,    "", "1..1000"},
    {"limits[].priority",              choice,   "", "interactive | batch"},

    {"content_rules",                  sections, "[]"},
    {"content_rules[].name",           text,     kRequired},
    {"content_rules[].detect",         names,    "[]", "mobile_number | id_card | bank_card | email | ip_address | api_key"},
    {"content_rules[].patterns",       names,    "[]"},
    {"content_rules[].words",          path},
    {"content_rules[].action",         choice,   kRequired, "mask | refuse | note"},
    {"content_rules[].in",             choice,   "both", "both | prompt | answer"},
    {"content_rules[].keys",           names,    "[\"*\"]"},
    {"content_rules[].models",         names,    "[\"*\"]"},
});
// clang-format on

std::string backquoted(std::string_view words) {
  std::string out;
  for (const std::string_view word : split_words(words)) {
    if (!out.empty()) out += ", ";
    out += '`' + std::string{word} + '`';
  }
  return out;
}

std::string_view shape_name(Shape shape) {
  switch (shape) {
    case text: return "text";
    case path: return "path";
    case url: return "URL";
    case pointer: return "JSON pointer";
    case duration: return "duration";
    case duration_or_off: return "`off` or duration";
    case duration_or_p95: return "`p95` or duration";
    case size: return "size";
    case count: return "number";
    case count_or_auto: return "`auto` or number";
    case percent: return "percentage";
    case flag: return "`true` or `false`";
    case choice:
    case auth_type: return "one of";
    case address: return "address";
    case ranges: return "address ranges";
    case secret: return "secret";
    case moment: return "moment";
    case names: return "list of names";
    case pairs: return "mapping of names to secrets";
    case section: return "mapping";
    case sections: return "list of mappings";
  }
  return "";
}

}  // namespace

std::span<const KeyRow> key_table() {
  return kTable;
}

const KeyRow* find_key(std::string_view path) {
  const std::string wanted = table_path(path);
  const auto* row = std::find_if(kTable.begin(), kTable.end(), [&](const KeyRow& r) { return r.path == wanted; });
  return row == kTable.end() ? nullptr : row;
}

std::vector<const KeyRow*> keys_below(std::string_view path) {
  const std::string prefix = path.empty() ? std::string{} : table_path(path) + '.';
  std::vector<const KeyRow*> rows;
  for (const KeyRow& row : kTable) {
    const bool below = row.path.starts_with(prefix) && row.path.size() > prefix.size();
    if (below && row.path.find('.', prefix.size()) == std::string_view::npos) rows.push_back(&row);
  }
  return rows;
}

std::string_view last_name(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

std::string table_path(std::string_view path) {
  std::string out;
  bool inside = false;
  for (const char c : path) {
    if (c == ']') inside = false;
    if (!inside) out += c;
    if (c == '[') inside = true;
  }
  return out;
}

std::vector<std::string_view> split_words(std::string_view words) {
  constexpr std::string_view kBetween = " | ";
  std::vector<std::string_view> out;
  while (!words.empty()) {
    const std::size_t end = words.find(kBetween);
    out.push_back(words.substr(0, end));
    words = end == std::string_view::npos ? std::string_view{} : words.substr(end + kBetween.size());
  }
  return out;
}

bool fits_a_word(std::string_view pattern, std::string_view words) {
  const std::vector<std::string_view> all = split_words(words);
  return std::any_of(all.begin(), all.end(), [&](std::string_view word) { return matches_wildcard(pattern, word); });
}

std::string describe(const KeyRow& row) {
  std::string name{shape_name(row.shape)};
  if (row.values.empty()) return name;
  const bool words = row.shape == choice || row.shape == auth_type || row.shape == names;
  return name + ' ' + (words ? backquoted(row.values) : std::string{row.values});
}

}  // namespace intragate::config
