#include "config/dotenv.h"

#include <unordered_map>

#include "base/text.h"
#include "config/load.h"

namespace intragate::config {
namespace {

constexpr std::size_t kLargestDotenv = std::size_t{1} << 20;

// Either a value, or what is wrong with it.
struct Value {
  std::string text{};
  std::string wrong{};
};

bool is_comment(std::string_view rest) {
  const std::string_view left = text::trim(rest);
  return left.empty() || left.front() == '#';
}

char escaped(char c) {
  if (c == 'n') return '\n';
  if (c == 't') return '\t';
  return c;
}

// `text` begins with a quote.
Value quoted_value(std::string_view text) {
  const char quote = text.front();
  Value value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      if (!is_comment(text.substr(i + 1))) value.wrong = "there is something behind the closing quote";
      return value;
    }
    const bool escape = quote == '"' && text[i] == '\\' && i + 1 < text.size();
    if (escape && std::string_view{"nt\"\\$"}.find(text[i + 1]) == std::string_view::npos) {
      return {.wrong = "an unknown escape in double quotes; they know \\n \\t \\\" \\\\ \\$"};
    }
    value.text += escape ? escaped(text[++i]) : text[i];
  }
  return {.wrong = "the quote is not closed in its line"};
}

// Up to a # behind a space, or the end of the line.
Value plain_value(std::string_view text) {
  std::size_t end = text.find('#');
  while (end != std::string_view::npos && (end == 0 || (text[end - 1] != ' ' && text[end - 1] != '\t'))) {
    end = text.find('#', end + 1);
  }
  return {.text = std::string{text::trim(text.substr(0, end))}};
}

bool is_name(std::string_view name) {
  for (const char c : name) {
    if (!text::is_letter(c) && !text::is_digit(c) && c != '_') return false;
  }
  return !name.empty() && !text::is_digit(name.front());
}

class Reader {
 public:
  explicit Reader(Problems& problems) : problems_{problems} {}

  void line(std::string_view text, int number) {
    const std::size_t indent = text.find_first_not_of(" \t\r");
    if (is_comment(text)) return;
    std::size_t start = indent;
    constexpr std::string_view kExport = "export ";
    if (text.substr(start).starts_with(kExport)) start = text.find_first_not_of(" \t", start + kExport.size());
    if (start == std::string_view::npos) start = indent;
    const Place place{number, static_cast<int>(start) + 1};

    const std::size_t equals = text.find('=', start);
    if (equals == std::string_view::npos) return problems_.add(place, "this line is not of the form NAME=value");
    const std::string_view name = text::trim(text.substr(start, equals - start));
    if (!is_name(name))
      return problems_.add(place, text::quoted(name) + " is not a variable's name (letters, digits, `_`)");
    const std::string_view rest = text::trim(text.substr(equals + 1));
    const bool quote = !rest.empty() && (rest.front() == '"' || rest.front() == '\'');
    // Untrimmed for plain values: `KEY= # comment` is an empty value with a comment.
    Value value = quote ? quoted_value(rest) : plain_value(text.substr(equals + 1));
    if (!value.wrong.empty()) return problems_.add(place, std::string{name} + ": " + value.wrong);
    keep({.name = std::string{name}, .value = std::move(value.text), .place = place});
  }

  [[nodiscard]] std::vector<DotenvLine> take() { return std::move(lines_); }

 private:
  void keep(DotenvLine line) {
    const auto [known, fresh] = line_of_name_.emplace(line.name, line.place.line);
    if (fresh) {
      lines_.push_back(std::move(line));
    } else {
      problems_.add(line.place, line.name + " stands here a second time",
                    "the first one is in line " + std::to_string(known->second));
    }
  }

  Problems& problems_;
  std::vector<DotenvLine> lines_;
  std::unordered_map<std::string, int> line_of_name_;
};

}  // namespace

std::vector<DotenvLine> read_dotenv(std::string_view text, Problems& problems) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.size() > kLargestDotenv) {
    problems.add({}, "the file is larger than 1 MiB");
    return {};
  }
  if (!problems.check_text(text)) return {};
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reader reader{problems};
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    reader.line(text.substr(0, end), number);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return reader.take();
}

std::vector<Problem> parse_dotenv(std::string_view text, const std::string& file, Environment& into) {
  Problems problems{file};
  for (DotenvLine& line : read_dotenv(text, problems))
    into.insert_or_assign(std::move(line.name), std::move(line.value));
  return problems.take_problems();
}

}  // namespace intragate::config
