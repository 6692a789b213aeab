#include "jinja/print.h"

#include <algorithm>
#include <cmath>

#include "jinja/compare.h"
#include "jinja/text.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

void append(std::string& out, std::string_view text, Work& work) {
  if (work.make(text.size())) out += text;
}

// A text in quotes, as Python shows it within a list.
void append_quoted(std::string& out, std::string_view text, Work& work) {
  if (!work.make(text.size() + 2)) return;
  const char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  out += quote;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\x";
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    } else {
      out += c;
    }
  }
  out += quote;
}

void append_shown(std::string& out, const Value& value, Work& work);

void append_list(std::string& out, const std::vector<Value>& list, Work& work) {
  out += '[';
  for (std::size_t i = 0; i < list.size() && !work.failed(); ++i) {
    if (i != 0) out += ", ";
    append_shown(out, list[i], work);
  }
  out += ']';
}

void append_object(std::string& out, const Object& object, Work& work) {
  out += '{';
  for (std::size_t i = 0; i < object.size() && !work.failed(); ++i) {
    if (i != 0) out += ", ";
    append_quoted(out, object.entries()[i].first, work);
    out += ": ";
    append_shown(out, object.entries()[i].second, work);
  }
  out += '}';
}

void append_shown(std::string& out, const Value& value, Work& work) {
  if (!work.make(2)) return;
  if (value.is(Kind::string)) return append_quoted(out, value.string(), work);
  if (value.is(Kind::undefined)) return append(out, "Undefined", work);
  append_text(out, value, work);
}

class JsonPrinter {
 public:
  JsonPrinter(std::string& out, const JsonForm& form, Work& work) : out_{out}, form_{form}, work_{work} {}

  void print(const Value& value) {
    if (!work_.make(2)) return;
    switch (value.kind()) {
      case Kind::none: out_ += "null"; break;
      case Kind::boolean: out_ += value.boolean() ? "true" : "false"; break;
      case Kind::integer: out_ += std::to_string(value.integer()); break;
      case Kind::real: real(value.real()); break;
      case Kind::string: string(value.string()); break;
      case Kind::list: list(value.list()); break;
      case Kind::object: object(value.object()); break;
      default: work_.fail("JSON has no '" + std::string{kind_name(value)} + "'");
    }
  }

 private:
  void real(double number) {
    if (std::isfinite(number)) {
      out_ += real_text(number);
    } else {
      work_.fail("JSON has no infinite numbers");
    }
  }

  void unicode_escape(char32_t unit) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out_ += "\\u";
    for (unsigned shift = 16; shift != 0; shift -= 4) out_ += kDigits[(unit >> (shift - 4)) & 15U];
  }

  void character(std::string_view bytes, char32_t point) {
    switch (point) {
      case '"': out_ += "\\\""; return;
      case '\\': out_ += "\\\\"; return;
      case '\n': out_ += "\\n"; return;
      case '\r': out_ += "\\r"; return;
      case '\t': out_ += "\\t"; return;
      case '\b': out_ += "\\b"; return;
      case '\f': out_ += "\\f"; return;
      default: break;
    }
    if (point >= 0x20 && (point < 0x7F || !form_.only_ascii)) {
      out_ += bytes;
    } else if (point < 0x10000) {
      unicode_escape(point);
    } else {
      unicode_escape(0xD800 + ((point - 0x10000) >> 10));
      unicode_escape(0xDC00 + ((point - 0x10000) & 0x3FF));
    }
  }

  void string(std::string_view text) {
    if (!work_.make(text.size())) return;
    out_ += '"';
    while (!text.empty()) {
      const Character c = first_character(text);
      character(text.substr(0, c.size), c.point);
      text.remove_prefix(c.size);
    }
    out_ += '"';
  }

  void line(std::size_t level) {
    if (!form_.indent || !work_.make(level * form_.indent->size())) return;
    out_ += '\n';
    for (std::size_t i = 0; i < level; ++i) out_ += *form_.indent;
  }

  void begin_item(bool first) {
    if (!first) out_ += form_.between_items;
    line(level_);
  }

  void list(const std::vector<Value>& items) {
    out_ += '[';
    ++level_;
    for (std::size_t i = 0; i < items.size() && !work_.failed(); ++i) {
      begin_item(i == 0);
      print(items[i]);
    }
    --level_;
    if (!items.empty()) line(level_);
    out_ += ']';
  }

  void object(const Object& object) {
    std::vector<const Object::Entry*> entries;
    if (!work_.step(object.size())) return;
    for (const Object::Entry& entry : object.entries()) entries.push_back(&entry);
    if (form_.sort_keys) std::sort(entries.begin(), entries.end(), [](auto a, auto b) { return a->first < b->first; });
    out_ += '{';
    ++level_;
    for (std::size_t i = 0; i < entries.size() && !work_.failed(); ++i) {
      begin_item(i == 0);
      string(entries[i]->first);
      out_ += form_.behind_key;
      print(entries[i]->second);
    }
    --level_;
    if (!entries.empty()) line(level_);
    out_ += '}';
  }

  std::string& out_;
  const JsonForm& form_;
  Work& work_;
  std::size_t level_ = 0;
};

}  // namespace

void append_text(std::string& out, const Value& value, Work& work) {
  switch (value.kind()) {
    case Kind::undefined: return;
    case Kind::none: return append(out, "None", work);
    case Kind::boolean: return append(out, value.boolean() ? "True" : "False", work);
    case Kind::integer: return append(out, std::to_string(value.integer()), work);
    case Kind::real: return append(out, real_text(value.real()), work);
    case Kind::string: return append(out, value.string(), work);
    case Kind::list: return append_list(out, value.list(), work);
    case Kind::object: return append_object(out, value.object(), work);
    case Kind::space: return append(out, "<Namespace>", work);
    case Kind::loop: return append(out, "<LoopContext>", work);
    case Kind::function: return append(out, "<function>", work);
  }
}

std::string text_of(const Value& value, Work& work) {
  std::string out;
  append_text(out, value, work);
  return out;
}

void append_json(std::string& out, const Value& value, const JsonForm& form, Work& work) {
  JsonPrinter{out, form, work}.print(value);
}

}  // namespace intragate::jinja
