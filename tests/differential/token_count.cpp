// Counts tokens for test_tokenizer.py: the first line in is the path of a tokenizer.json; then each line is a JSON
// text; a line out for each: the count, or what is wrong.
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "jinja/json.h"
#include "tokenizer/tokenizer.h"

int main() {
  using namespace intragate;
  std::string line;
  std::getline(std::cin, line);
  std::ifstream file{line};
  std::stringstream content;
  content << file.rdbuf();
  const Result<tokenizer::Tokenizer> made = tokenizer::Tokenizer::make(content.str());
  std::cout << (made ? "ready" : made.error().message) << std::endl;
  while (made && std::getline(std::cin, line)) {
    const Result<jinja::Value> text = jinja::from_json(line);
    const std::optional<std::size_t> count = text ? made->count(text->string()) : std::nullopt;
    std::cout << (count ? std::to_string(*count) : "none") << std::endl;
  }
}
