#include "check/bodies.h"

#include "base/json_write.h"

namespace intragate::check {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

std::string with_model(std::string_view model, std::string_view rest) {
  return "{\"model\":" + quoted(model) + "," + std::string{rest} + "}";
}

constexpr std::string_view kWeather =
    R"("tool_choice":"auto","tools":[{"type":"function","function":{"name":"weather",)"
    R"("description":"The weather in a city now.","parameters":{"type":"object","properties":{"city":)"
    R"({"type":"string","description":"its name"}},"required":["city"]}}}])";

// Four bytes, the lowest first, as RIFF has them.
std::string little_endian(std::uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
  return out;
}

std::string silence() {
  constexpr std::uint32_t kRate = 16'000;
  const std::string samples(std::size_t{kRate} * 2, '\0');
  const auto size = static_cast<std::uint32_t>(samples.size());
  return "RIFF" + little_endian(36 + size, 4) + "WAVEfmt " + little_endian(16, 4) + little_endian(1, 2) +
         little_endian(1, 2) + little_endian(kRate, 4) + little_endian(kRate * 2, 4) + little_endian(2, 2) +
         little_endian(16, 2) + "data" + little_endian(size, 4) + samples;
}

std::string many(std::uint64_t words) {
  std::string text;
  for (std::uint64_t i = 0; i < words; ++i) text += "no ";
  return text;
}

std::string field(std::string_view name, std::string_view value) {
  return "--" + std::string{kBoundary} + "\r\nContent-Disposition: form-data; name=\"" + std::string{name} +
         "\"\r\n\r\n" + std::string{value} + "\r\n";
}

}  // namespace

std::string validation_chat(std::string_view model) {
  return with_model(model, R"("max_tokens":5,"messages":[{"role":"user","content":"ping"}])");
}

std::string validation_completion(std::string_view model) {
  return with_model(model, R"("max_tokens":5,"prompt":"ping")");
}

std::string validation_rerank(std::string_view model, std::uint32_t top_n) {
  constexpr std::string_view kRest =
      R"("query":"What is the capital of the United States?",)"
      R"("documents":["Carson City is the capital city of the American state of Nevada. )"
      R"(At the 2010 United States Census, Carson City had a population of 55,274.",)"
      R"("The Commonwealth of the Northern Mariana Islands is a group of islands in the Pacific Ocean that )"
      R"(are a political division controlled by the United States. Its capital is Saipan.","Washington, D.C. )"
      R"(is the capital of the United States."],"top_n":)";
  return with_model(model, std::string{kRest} + std::to_string(top_n));
}

std::string stream_chat(std::string_view model, std::uint32_t tokens) {
  return with_model(model, R"("stream":true,"temperature":0.5,"max_tokens":)" + std::to_string(tokens) +
                               R"(,"stream_options":{"include_usage":true},"messages":[{"role":"user",)"
                               R"("content":"Count from one to one hundred in words."}])");
}

std::string stream_completion(std::string_view model, std::uint32_t tokens) {
  return with_model(model, R"("stream":true,"temperature":0.5,"max_tokens":)" + std::to_string(tokens) +
                               R"(,"stream_options":{"include_usage":true},"prompt":"one two three four five")");
}

std::string characters_chat(std::string_view model) {
  return with_model(model, R"("stream":true,"temperature":0.5,"max_tokens":64,"messages":[{"role":"user",)"
                           R"("content":"Repeat word by word: 你好，世界 😀 龘 👩‍🔬 再见"}])");
}

std::string characters_completion(std::string_view model) {
  return with_model(
      model,
      R"("stream":true,"temperature":0.5,"max_tokens":64,)"
      R"("prompt":"你好，世界 😀 龘 👩‍🔬 再见\n你好，世界 😀 龘 👩‍🔬 再见\n你好，")");
}

std::string extended_chat(std::string_view model) {
  return with_model(
      model, R"("max_tokens":5,"user":"7c9e6679-7425-40de-944b-e07fc1f90ae7","chat_template_kwargs":)"
             R"({"enable_thinking":false,"thinking":false},"thinking":{"type":"disabled"},"enable_thinking":false,)"
             R"("reasoning_effort":"low","messages":[{"role":"user","content":"ping"}])");
}

std::string tool_chat(std::string_view model, Streamed streamed) {
  std::string rest = R"("max_tokens":256,"messages":[{"role":"user","content":)";
  rest += streamed == Streamed::yes
              ? R"("What is the weather in Paris now, and in Rome? Call the tool once for each city."}],)"
              : R"("What is the weather in Paris now? Call the tool."}],)";
  if (streamed == Streamed::yes) rest += R"("stream":true,"stream_options":{"include_usage":true},)";
  return with_model(model, rest + std::string{kWeather});
}

std::string tool_history(std::string_view model) {
  constexpr std::string_view kMessages =
      R"("max_tokens":16,"messages":[{"role":"user",)"
      R"("content":"What is the weather in Paris now?"},{"role":"assistant","content":"",)"
      R"("tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather",)"
      R"("arguments":"{\"city\":\"Paris\"}"}}]},{"role":"tool","tool_call_id":"call_1",)"
      R"("content":"18 degrees, rain"}],)";
  return with_model(model, std::string{kMessages} + std::string{kWeather});
}

std::string schema_chat(std::string_view model) {
  return with_model(model,
                    R"("max_tokens":64,"response_format":{"type":"json_schema","json_schema":{"name":"llm_response",)"
                    R"("schema":{"type":"object","properties":{"city":{"type":"string","maxLength":20}},)"
                    R"("required":["city"],"additionalProperties":false}}},"messages":[{"role":"user",)"
                    R"("content":"Name one city, as JSON."}])");
}

std::string image_chat(std::string_view model) {
  return with_model(
      model, R"("max_tokens":5,"messages":[{"role":"user","content":[{"type":"text",)"
             R"("text":"What is this?"},{"type":"image_url","image_url":)"
             R"({"url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg)"
             R"(GAWjR9awAAAABJRU5ErkJggg==","detail":"low"}}]}])");
}

std::string large_chat(std::string_view model) {
  constexpr std::size_t kSize = std::size_t{16} << 20;
  return with_model(model, R"("max_tokens":5,"messages":[{"role":"user","content":"ping"}],"padding":")" +
                               std::string(kSize, 'A') + "\"");
}

std::string long_chat(std::string_view model, std::uint64_t words) {
  return with_model(model, R"("max_tokens":5,"messages":[{"role":"user","content":)" + quoted(many(words)) + "}]");
}

std::string embedding(std::string_view model, std::string_view inputs_json) {
  return with_model(model, "\"input\":" + std::string{inputs_json});
}

std::string long_embedding(std::string_view model, std::uint64_t words) {
  return embedding(model, "[" + quoted(many(words)) + "]");
}

std::string speech(std::string_view model, std::string_view voice) {
  return with_model(model, R"("input":"Test.","voice":)" + quoted(voice) + R"(,"response_format":"mp3")");
}

std::string transcription(std::string_view model) {
  return field("model", model) + field("language", "en") + field("prompt", "convert the audio to text") + "--" +
         std::string{kBoundary} + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"audio.wav\"\r\n\r\n" +
         silence() + "\r\n--" + std::string{kBoundary} + "--\r\n";
}

}  // namespace intragate::check
