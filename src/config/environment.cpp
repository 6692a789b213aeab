// The quick start: a configuration from a dozen variables, of the process or of an .env file.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/credentials.h"
#include "config/dotenv.h"
#include "config/endpoint_url.h"
#include "config/key_table.h"
#include "config/load.h"
#include "config/quick_start.h"
#include "config/readers.h"
#include "config/references.h"
#include "config/units.h"

namespace intragate::config {
namespace {

constexpr auto kTable = std::to_array<QuickStartRow>({
    {"MODEL_PROVIDER", "custom"},
    {"CUSTOM_MODEL_API_BASE", kRequired},
    {"CUSTOM_MODEL_AUTH_TYPE", ""},
    {"CUSTOM_MODEL_API_KEY", ""},
    {"MODEL_REQUEST_TIMEOUT", "25000"},
    {"STREAM_RESPONSE_BUFFER_SIZE", "4096"},
    {"INTRAGATE_LISTEN", "127.0.0.1:8080"},
    {"INTRAGATE_ADMIN_LISTEN", "127.0.0.1:8081"},
    {"INTRAGATE_API_KEY", ""},
    {"INTRAGATE_DATA_DIR", "./data"},
    {"INTRAGATE_MAX_CONCURRENCY", ""},
    {"INTRAGATE_REQUESTS_PER_MINUTE", ""},
    {"INTRAGATE_TOKENS_PER_MINUTE", ""},
    {"INTRAGATE_TOKENS_PER_DAY", ""},
    {"INTRAGATE_USER_CONCURRENCY", ""},
    {"INTRAGATE_USER_REQUESTS_PER_MINUTE", ""},
    {"INTRAGATE_USER_TOKENS_PER_MINUTE", ""},
    {"INTRAGATE_USER_TOKENS_PER_DAY", ""},
});

// As in the file (key_table.cpp).
constexpr std::uint64_t kMostConcurrency = 100'000;
constexpr std::uint64_t kMostRequests = 1'000'000'000;
constexpr std::uint64_t kMostTokens = 1'000'000'000'000;

// A variable that is set, and where.
struct Variable {
  std::string_view name;
  std::string value;
  Problem place;
};

class QuickStart {
 public:
  QuickStart(const Environment& environment, std::string_view dotenv, const std::string& dotenv_file)
      : environment_{environment}, problems_{dotenv_file}, lines_{read_dotenv(dotenv, problems_)} {}

  void refuse_unknown();
  void read(Config& config, const Hasher& hash);
  [[nodiscard]] Problems& problems() { return problems_; }

 private:
  // The process environment wins over the file; an empty value counts as none.
  [[nodiscard]] std::optional<Variable> find(std::string_view name) const;
  void refuse(const Variable& variable, const std::string& message, std::string suggestion = {});
  void refuse(const Variable& variable, const Error& error) { refuse(variable, error.message, error.detail); }
  std::optional<Secret> secret(std::string_view name);
  void address(std::string_view name, SocketAddress& into);
  void read_addresses(Config& config);
  Model read_model();
  void read_auth(EndpointAuth& into);
  void read_first_byte(Model& model);
  void read_buffer(Model& model);
  void read_slots(Endpoint& endpoint);
  template <class Count>
  void count(std::string_view name, Count& into, std::uint64_t most);
  Limit read_limit(Limit::Per per, const std::string& prefix);
  void read_limits(Config& config);
  void read_key(Config& config, const Hasher& hash);

  const Environment& environment_;
  Problems problems_;
  std::vector<DotenvLine> lines_;
};

std::optional<Variable> QuickStart::find(std::string_view name) const {
  const auto set = environment_.find(name);
  if (set != environment_.end() && !set->second.empty()) {
    return Variable{name, set->second, {.file = "environment", .message = {}, .suggestion = {}}};
  }
  for (const DotenvLine& line : lines_) {
    if (line.name != name || line.value.empty()) continue;
    return Variable{name,
                    line.value,
                    {.file = problems_.file(),
                     .line = line.place.line,
                     .column = line.place.column,
                     .message = {},
                     .suggestion = {}}};
  }
  return std::nullopt;
}

void QuickStart::refuse(const Variable& variable, const std::string& message, std::string suggestion) {
  Problem problem = variable.place;
  problem.message = std::string{variable.name} + ": " + message;
  problem.suggestion = std::move(suggestion);
  problems_.add(std::move(problem));
}

// Only the file is checked: the process environment belongs to others as well.
void QuickStart::refuse_unknown() {
  constexpr std::array<std::string_view, 4> kOurs{"MODEL_", "CUSTOM_MODEL_", "STREAM_", "INTRAGATE_"};
  std::vector<std::string_view> known;
  for (const QuickStartRow& row : quick_start_table()) known.push_back(row.name);
  for (const DotenvLine& line : lines_) {
    const std::string_view name = line.name;
    const bool ours = std::any_of(kOurs.begin(), kOurs.end(), [&](auto prefix) { return name.starts_with(prefix); });
    if (!ours || std::find(known.begin(), known.end(), name) != known.end()) continue;
    problems_.add(line.place, "unknown variable " + text::quoted(name), did_you_mean(text::closest_word(name, known)));
  }
}

std::optional<Secret> QuickStart::secret(std::string_view name) {
  const std::optional<Variable> variable = find(name);
  if (!variable) return std::nullopt;
  Result<Secret> read = read_secret(variable->value, "");
  if (!read) {
    refuse(*variable, read.error());
    return std::nullopt;
  }
  const std::optional<std::string> file = secret_file(variable->value, "");
  if (file || variable->place.line > 0) {
    const std::string& holder = file ? *file : problems_.file();
    if (const auto remark = exposure_remark(holder))
      problems_.warn({variable->place.line, variable->place.column}, std::string{name} + ": " + *remark);
  }
  return *std::move(read);
}

void QuickStart::address(std::string_view name, SocketAddress& into) {
  const std::optional<Variable> variable = find(name);
  if (!variable) return;
  Result<SocketAddress> parsed = SocketAddress::parse(variable->value);
  if (!parsed) return refuse(*variable, parsed.error());
  into = *parsed;
}

void QuickStart::read_addresses(Config& config) {
  Listen listen;
  address("INTRAGATE_LISTEN", listen.address);
  const std::optional<Variable> admin = find("INTRAGATE_ADMIN_LISTEN");
  address("INTRAGATE_ADMIN_LISTEN", config.admin.address);
  config.admin.address_is_default = !admin;
  if (admin && !config.admin.address.ip.is_loopback()) {
    refuse(*admin, "an admin address that other machines can reach needs a token",
           "use a loopback address, or a configuration file with `admin.token`");
  }
  if (admin && overlap(config.admin.address, listen.address))
    refuse(*admin, "this is also the address of INTRAGATE_LISTEN");
  config.listen.push_back(std::move(listen));
}

void QuickStart::read_auth(EndpointAuth& into) {
  const std::optional<Variable> key = find("CUSTOM_MODEL_API_KEY");
  const std::optional<Variable> type = find("CUSTOM_MODEL_AUTH_TYPE");
  if (key) into.type = AuthType::bearer;
  if (type) {
    const std::optional<Error> wrong = read_auth_type(type->value, into);
    if (wrong) return refuse(*type, *wrong);
  }
  if (key && into.type == AuthType::none) {
    problems_.warn({}, "CUSTOM_MODEL_API_KEY is never sent, because CUSTOM_MODEL_AUTH_TYPE is none");
    return;
  }
  if (!key && into.type != AuthType::none) {
    return refuse(*type, "CUSTOM_MODEL_API_KEY is missing", "set it, or CUSTOM_MODEL_AUTH_TYPE=none");
  }
  if (!key) return;
  std::optional<Secret> read = secret("CUSTOM_MODEL_API_KEY");
  if (!read) return;
  into.key = *std::move(read);
  const std::optional<Error> wrong = check_auth(into);
  if (wrong) refuse(*key, *wrong);
}

void QuickStart::read_first_byte(Model& model) {
  const std::optional<Variable> variable = find("MODEL_REQUEST_TIMEOUT");
  if (!variable) return;
  constexpr std::uint64_t kMost = 3'600'000;
  const std::optional<std::uint64_t> number = text::parse_unsigned(variable->value);
  if (!number || *number == 0 || *number > kMost) {
    const Result<Duration> meant = number ? Result<Duration>{Duration::zero()} : parse_duration(variable->value);
    const auto milliseconds = meant ? std::chrono::duration_cast<std::chrono::milliseconds>(*meant).count() : 0;
    return refuse(*variable, text::quoted(variable->value) + " is not a number of milliseconds from 1 to 3600000",
                  milliseconds > 0 ? did_you_mean(std::to_string(milliseconds)) : std::string{});
  }
  model.timeouts.first_byte = std::chrono::milliseconds{*number};
  // Whoever waits that long for the first byte does not mean the whole answer to take less.
  if (model.timeouts.first_byte >= model.timeouts.total) model.timeouts.total += model.timeouts.first_byte;
}

void QuickStart::read_buffer(Model& model) {
  const std::optional<Variable> variable = find("STREAM_RESPONSE_BUFFER_SIZE");
  if (!variable) return;
  const Result<Bytes> size = parse_size(variable->value);
  if (!size) return refuse(*variable, size.error());
  if (*size < kKiB || *size > 64 * kMiB) {
    return refuse(*variable, text::quoted(variable->value) + " is not a number of bytes from 1024 to 67108864");
  }
  model.stream_buffer = *size;
}

Model QuickStart::read_model() {
  Model model;
  model.name = "*";
  model.first_byte_key = "MODEL_REQUEST_TIMEOUT";
  const std::optional<Variable> provider = find("MODEL_PROVIDER");
  if (provider && provider->value != "custom") {
    refuse(*provider, text::quoted(provider->value) + " is not known: models are private here", did_you_mean("custom"));
  }
  Endpoint endpoint;
  const std::optional<Variable> base = find("CUSTOM_MODEL_API_BASE");
  if (base) {
    Result<Endpoint> parsed = parse_endpoint_url(base->value);
    if (parsed && parsed->dialect != Endpoint{}.dialect) {
      refuse(*base, "gRPC towards a model needs a configuration file, which says what the model is");
    } else if (parsed) {
      endpoint = *std::move(parsed);
    } else {
      refuse(*base, parsed.error());
    }
  } else {
    problems_.add({.file = "environment",
                   .message = "CUSTOM_MODEL_API_BASE is not set, and there is no configuration file",
                   .suggestion = "set it to the model server's base URL, or name a file with --config"});
  }
  read_auth(endpoint.auth);
  read_slots(endpoint);
  model.endpoints.push_back(std::move(endpoint));
  read_first_byte(model);
  read_buffer(model);
  return model;
}

// A number from 1 to `most`, if it is set.
template <class Count>
void QuickStart::count(std::string_view name, Count& into, std::uint64_t most) {
  const std::optional<Variable> variable = find(name);
  if (!variable) return;
  const std::optional<std::uint64_t> number = text::parse_unsigned(variable->value);
  if (!number || *number == 0 || *number > most) {
    return refuse(*variable, text::quoted(variable->value) + " is not a number from 1 to " + std::to_string(most),
                  number == 0U ? "leave it out for no limit" : "");
  }
  into = static_cast<Count>(*number);
}

void QuickStart::read_slots(Endpoint& endpoint) {
  const std::optional<Variable> variable = find("INTRAGATE_MAX_CONCURRENCY");
  if (variable && variable->value == "auto") {
    endpoint.max_concurrency = kAutoConcurrency;
  } else {
    count("INTRAGATE_MAX_CONCURRENCY", endpoint.max_concurrency, kMostConcurrency);
  }
}

Limit QuickStart::read_limit(Limit::Per per, const std::string& prefix) {
  Limit limit;
  limit.per = per;
  count(prefix + "REQUESTS_PER_MINUTE", limit.requests_per_minute, kMostRequests);
  count(prefix + "TOKENS_PER_MINUTE", limit.tokens_per_minute, kMostTokens);
  count(prefix + "TOKENS_PER_DAY", limit.tokens_per_day, kMostTokens);
  return limit;
}

// One rule for the end users, each of them, and one for the key, which is everybody.
void QuickStart::read_limits(Config& config) {
  Limit user = read_limit(Limit::Per::user, "INTRAGATE_USER_");
  count("INTRAGATE_USER_CONCURRENCY", user.concurrency, kMostConcurrency);
  for (const Limit& limit : {user, read_limit(Limit::Per::key, "INTRAGATE_")}) {
    Limit none;
    none.per = limit.per;
    if (!(limit == none)) config.limits.push_back(limit);
  }
}

void QuickStart::read_key(Config& config, const Hasher& hash) {
  const std::optional<Variable> variable = find("INTRAGATE_API_KEY");
  config.make_key = !variable;
  if (!variable) return;
  Key key;
  key.name = "default";
  key.trust_user = limits_users(config);
  std::optional<Secret> read = secret("INTRAGATE_API_KEY");
  if (!read) return;
  const std::optional<Error> wrong = check_api_key(*read);
  if (wrong) return refuse(*variable, *wrong);
  key.plain = *std::move(read);
  if (hash) {
    key.hash = hash(key.plain.reveal());
    key.plain = Secret{};
  }
  config.keys.push_back(std::move(key));
}

void QuickStart::read(Config& config, const Hasher& hash) {
  read_addresses(config);
  if (const std::optional<Variable> data_dir = find("INTRAGATE_DATA_DIR")) config.data_dir = data_dir->value;
  config.models.push_back(read_model());
  read_limits(config);
  read_key(config, hash);
}

}  // namespace

bool limits_users(const Config& config) {
  return std::any_of(config.limits.begin(), config.limits.end(),
                     [](const Limit& limit) { return limit.per == Limit::Per::user; });
}

std::span<const QuickStartRow> quick_start_table() {
  return kTable;
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Loaded load_environment(const Environment& environment, std::string_view dotenv, const std::string& dotenv_file,
                        const Hasher& hash) {
  Loaded loaded;
  loaded.config.source = "environment";
  QuickStart quick_start{environment, dotenv, dotenv_file};
  quick_start.refuse_unknown();
  quick_start.read(loaded.config, hash);
  loaded.config.warnings = quick_start.problems().take_warnings();
  loaded.problems = quick_start.problems().take_problems();
  return loaded;
}

}  // namespace intragate::config
