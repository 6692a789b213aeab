// What an endpoint needs beside its URL to be spoken to in its dialect.
#include <algorithm>

#include "base/text.h"
#include "config/credentials.h"
#include "config/readers.h"
#include "config/references.h"
#include "jinja/template.h"
#include "prompt/body.h"
#include "prompt/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace intragate::config {
namespace {

constexpr std::size_t kLargestTemplate = std::size_t{4} * 1024 * 1024;

// Only the OpenAI API stands at /v1 unless said otherwise; of others that is what people paste. What an interface of
// its own has in its URL is meant.
void keep_own_path(Endpoint& endpoint) {
  const std::string_view place = std::string_view{endpoint.url}.substr(endpoint.url.find("://") + 3);
  const bool written = place.ends_with("/v1") || place.ends_with("/v1/");
  const bool as_written = endpoint.dialect == "template" && written;
  if (endpoint.path == "/v1" && !as_written) endpoint.path.clear();
}

// A built-in's name, or file:/path.
void read_chat_template(Section& section, Endpoint& into) {
  const std::optional<Scalar> value = section.scalar("chat_template");
  if (!value) return;
  Reading& reading = section.reading();
  std::string source = value->text;
  if (const std::optional<std::string> file = secret_file(source, reading.folder)) {
    reading.files.push_back(*file);
    Result<std::string> content = read_file(*file, kLargestTemplate);
    if (!content) return section.unusable("chat_template", *value, content.error());
    source = *std::move(content);
  }
  const Result<prompt::ChatTemplate> made = prompt::ChatTemplate::make(source);
  if (!made) return section.problem(value->place, '`' + section.path("chat_template") + "`: " + made.error().message);
  into.chat_template = std::move(source);
  if (into.dialect == "ollama") {
    section.warn(value->place, "`chat_template` has no effect with the dialect ollama, whose server has its own");
  }
}

void read_tool_calls(Section& section, Endpoint& into) {
  const std::string form = section.choice("tool_calls");
  if (form == "none") into.tool_calls = ToolCalls::none;
  if (form == "hermes") into.tool_calls = ToolCalls::hermes;
  if (form == "llama") into.tool_calls = ToolCalls::llama;
  if (form == "mistral") into.tool_calls = ToolCalls::mistral;
  if (form == "deepseek") into.tool_calls = ToolCalls::deepseek;
  if (section.has("tool_calls") && (into.dialect == "openai" || into.dialect == "ollama")) {
    section.warn(section.place("tool_calls"),
                 "`tool_calls` has no effect with the dialect " + into.dialect + ", whose servers find them");
  }
}

void read_tokenizer(Section& section, Endpoint& into) {
  std::string path;
  section.file_path("tokenizer", path);
  if (path.empty()) return;
  Reading& reading = section.reading();
  const auto known = std::find_if(reading.tokenizers.begin(), reading.tokenizers.end(),
                                  [&](const TokenizerFile& one) { return one.path == path; });
  if (known != reading.tokenizers.end()) {
    into.tokenizer = *known;
    return;
  }
  reading.files.push_back(path);
  const Result<std::string> content = read_file(path, tokenizer::kLargestFile);
  const auto wrong = [&](const Error& error) {
    section.problem(section.place("tokenizer"), '`' + section.path("tokenizer") + "`: " + error.message);
  };
  if (!content) return wrong(content.error());
  Result<tokenizer::Tokenizer> made = tokenizer::Tokenizer::make(*content);
  if (!made) return wrong(made.error());
  into.tokenizer = {.path = path,
                    .digest = reading.hash(*content),
                    .made = std::make_shared<const tokenizer::Tokenizer>(*std::move(made))};
  reading.tokenizers.push_back(into.tokenizer);
}

void read_headers(Section& section, Template& into) {
  for (auto& [label, value] : section.pairs("headers")) {
    const std::string path = '`' + section.path("headers") + '.' + label.key + '`';
    EndpointAuth header;
    std::optional<Error> wrong = read_auth_type("header:" + label.key, header);
    if (wrong) {
      section.problem(label.place, path + ": " + wrong->message);
      continue;
    }
    Reading& reading = section.reading();
    if (const auto file = secret_file(value.text, reading.folder)) {
      reading.files.push_back(*file);
      section.check_readers(value.place, path, *file);
    }
    Result<Secret> secret = read_secret(value.text, reading.folder);
    if (secret) {
      header.key = *std::move(secret);
      wrong = check_auth(header);
    } else {
      wrong = std::move(secret).error();
    }
    if (wrong) {
      section.problem(value.place, path + ": " + wrong->message);
      continue;
    }
    into.headers.emplace_back(label.key, std::move(header.key));
  }
}

void read_pointers(Section& section, Pointers& into) {
  section.pointer("text", into.text);
  section.pointer("reasoning", into.reasoning);
  section.pointer("finish_reason", into.finish_reason);
  section.pointer("prompt_tokens", into.prompt_tokens);
  section.pointer("completion_tokens", into.completion_tokens);
  section.pointer("error", into.error);
}

void read_stream(Section& section, Template& into) {
  std::optional<Section> stream = section.section("stream");
  if (!stream) return;
  const std::string framing = stream->choice("framing");
  if (framing == "sse") into.framing = StreamFraming::sse;
  if (framing == "ndjson") into.framing = StreamFraming::ndjson;
  if (framing == "text") into.framing = StreamFraming::text;
  read_pointers(*stream, into.event);
  stream->text("done", into.done);
  if (into.framing == StreamFraming::text && (into.event != Pointers{} || !into.done.empty())) {
    stream->warn(stream->place("framing"), "what else stands in `" + stream->path() + "` has no effect on plain text");
  }
  if (into.framing == StreamFraming::ndjson && into.event.text.empty())
    stream->problem(stream->place(), "`text` is missing in " + stream->path());
}

template <class Make>
void check_template(Section& section, std::string_view key, const std::string& source, Make make) {
  if (source.empty()) return;  // said already
  const auto made = make(source);
  if (!made) section.problem(section.place(key), '`' + section.path(key) + "`: " + made.error().message);
}

void read_template(Section& section, Endpoint& into) {
  std::optional<Section> custom = section.section("template");
  if (!custom) {
    if (into.dialect == "template") section.problem(section.place("dialect"), "`dialect: template` needs `template`");
    return;
  }
  Template& to = into.custom;
  const std::string method = custom->choice("method");
  if (!method.empty()) to.method = method;
  custom->text("path", to.path);
  if (!to.path.empty() && !to.path.starts_with('/') && !to.path.starts_with('{'))
    custom->problem(custom->place("path"), '`' + custom->path("path") + "` must begin with /");
  check_template(*custom, "path", to.path, [](const std::string& text) { return jinja::Template::compile(text); });
  read_headers(*custom, to);
  custom->lines("body", to.body);
  check_template(*custom, "body", to.body, prompt::BodyTemplate::make);
  if (std::optional<Section> answer = custom->section("answer")) read_pointers(*answer, to.answer);
  read_stream(*custom, to);
  if (into.dialect != "template") {
    section.warn(section.place("template"), "`template` has no effect with the dialect " + into.dialect);
  }
}

}  // namespace

void read_dialect(Section& endpoint, Endpoint& into) {
  const std::string dialect = endpoint.choice("dialect");
  const bool grpc = into.dialect == kTritonGrpc;  // by its URL
  if (!dialect.empty()) into.dialect = dialect;
  if (grpc && into.dialect != kTritonGrpc) {
    endpoint.problem(endpoint.place("dialect"), "a URL of grpc:// or grpcs:// needs `dialect: triton-grpc`");
  }
  if (into.dialect != "openai") keep_own_path(into);
  endpoint.text("keep_alive", into.keep_alive);
  if (endpoint.has("keep_alive") && into.dialect != "ollama") {
    endpoint.warn(endpoint.place("keep_alive"), "`keep_alive` has no effect with the dialect " + into.dialect);
  }
  read_triton(endpoint, into);
  read_chat_template(endpoint, into);
  read_tool_calls(endpoint, into);
  read_tokenizer(endpoint, into);
  if (into.dialect == "openai" && !into.chat_template.empty() && into.tokenizer.path.empty()) {
    endpoint.warn(endpoint.place("chat_template"),
                  '`' + endpoint.path("chat_template") + "` has no effect with the dialect openai without `tokenizer`");
  }
  read_template(endpoint, into);
}

}  // namespace intragate::config
