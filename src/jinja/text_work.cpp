#include "jinja/text_work.h"

#include "jinja/text.h"

namespace intragate::jinja {
namespace {

std::string interleaved(std::string_view text, std::string_view with, std::int64_t most, Work& work) {
  std::string out;
  std::int64_t done = 0;
  const auto put = [&] {
    if ((most >= 0 && done >= most) || !work.make(with.size())) return;
    ++done;
    out += with;
  };
  put();
  for (const std::string_view character : characters(text)) {
    out += character;
    put();
  }
  return out;
}

}  // namespace

std::string replaced(std::string_view text, std::string_view what, std::string_view with, std::int64_t most,
                     Work& work) {
  if (!work.make(text.size() * (what.empty() ? sizeof(std::string_view) : 1))) return {};
  if (what.empty()) return interleaved(text, with, most, work);
  std::string out;
  for (std::int64_t done = 0; most < 0 || done < most; ++done) {
    const std::size_t found = text.find(what);
    if (found == std::string_view::npos || !work.make(with.size() + 1)) break;
    out += text.substr(0, found);
    out += with;
    text.remove_prefix(found + what.size());
  }
  return out += text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    std::size_t size = 0;
    std::size_t end = 0;  // of the line's end; 0: none
    while (size < text.size() && end == 0) {
      const Character c = first_character(text.substr(size));
      const bool ends = (c.point >= 0x0A && c.point <= 0x0D) || (c.point >= 0x1C && c.point <= 0x1E) ||
                        c.point == 0x85 || c.point == 0x2028 || c.point == 0x2029;
      if (ends) {
        end = size + c.size + (text.substr(size).starts_with("\r\n") ? 1 : 0);
      } else {
        size += c.size;
      }
    }
    out.push_back(text.substr(0, size));
    text.remove_prefix(end == 0 ? size : end);
  }
  return out;
}

std::vector<std::string_view> words_of(std::string_view text, std::int64_t most) {
  std::vector<std::string_view> out;
  text = stripped(text, Side::left);
  while (!text.empty()) {
    if (most >= 0 && static_cast<std::int64_t>(out.size()) == most) {
      out.push_back(text);
      break;
    }
    std::size_t size = 0;
    while (size < text.size()) {
      const Character c = first_character(text.substr(size));
      if (is_space(c.point)) break;
      size += c.size;
    }
    out.push_back(text.substr(0, size));
    text = stripped(text.substr(size), Side::left);
  }
  return out;
}

std::string padding(std::int64_t width, std::size_t size, Work& work) {
  const auto have = static_cast<std::int64_t>(size);
  if (width <= have || !work.make(static_cast<std::size_t>(width - have))) return {};
  return std::string(static_cast<std::size_t>(width - have), ' ');
}

}  // namespace intragate::jinja
