// What Jinja brings along, by name: filters, tests, functions, and the methods of Python's values that templates use.
// Null where there is none of that name.
// Owner: none; tables that never change. Thread: any. Does not: call; each does its work within Call::work.
#pragma once

#include <string_view>

#include "jinja/call.h"
#include "jinja/syntax.h"

namespace intragate::jinja {

[[nodiscard]] Builtin find_filter(std::string_view name);
[[nodiscard]] Builtin find_test(std::string_view name);
[[nodiscard]] Builtin find_global(std::string_view name);
[[nodiscard]] Builtin find_method(Value::Kind kind, std::string_view name);
// What was probably meant; empty: nothing near.
[[nodiscard]] std::string_view closest_filter(std::string_view name);
[[nodiscard]] std::string_view closest_test(std::string_view name);

// What a `for` goes through, and what filters of lists take: the items of a list, the keys of an object, the characters
// of a text. Others are a failure.
[[nodiscard]] std::vector<Value> items_of(const Value& value, Work& work);

enum class Lookup : std::uint8_t { attribute, item };
// `value.name` and `value['name']`, which differ in whether a method or a key of that name comes first.
[[nodiscard]] Value member(const Value& value, std::string_view name, Lookup how, Work& work);
[[nodiscard]] Value item_at(const Value& value, const Value& index, Work& work);

// Python's `%` of a text, and strftime.
[[nodiscard]] Value printf_text(std::string_view format, const Value& values, Work& work);
[[nodiscard]] std::string time_text(std::string_view format, WallTime at);

}  // namespace intragate::jinja
