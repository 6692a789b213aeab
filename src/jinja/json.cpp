#include "jinja/json.h"

#include <charconv>

#include "base/json_scan.h"

namespace intragate::jinja {
namespace {

constexpr unsigned kDeepestJson = 64;  // a template may wrap what it is given

Error bad_json(std::string why) {
  return make_error(Code::invalid_json, "this is not JSON: " + std::move(why));
}

Result<Value> value_of(const json::Member& member, std::string_view whole, unsigned depth);

Result<Value> number_of(std::string_view raw) {
  std::int64_t integer = 0;
  const char* const end = raw.data() + raw.size();
  const auto whole = std::from_chars(raw.data(), end, integer);
  if (whole.ec == std::errc{} && whole.ptr == end) return Value{integer};
  double real = 0;
  const auto floating = std::from_chars(raw.data(), end, real);
  if (floating.ec == std::errc::result_out_of_range) return bad_json("a number is out of range");
  if (floating.ptr != end) return bad_json("a number is malformed");
  return Value{real};
}

Result<Value> object_of(json::ObjectScan scan, std::string_view whole, unsigned depth) {
  Object object;
  while (const std::optional<json::Member> member = scan.next()) {
    Result<Value> value = value_of(*member, whole, depth);
    if (!value) return value;
    if (!member->key_escaped) {
      object.set(member->key, std::move(*value));
      continue;
    }
    Result<std::string> key = json::unescape('"' + std::string{member->key} + '"');
    if (!key) return std::move(key).error();
    object.set(*key, std::move(*value));
  }
  if (scan.failed()) return bad_json(scan.problem());
  return Value{std::move(object)};
}

Result<Value> list_of(json::ArrayScan scan, std::string_view whole, unsigned depth) {
  std::vector<Value> items;
  while (const std::optional<json::Member> member = scan.next()) {
    Result<Value> value = value_of(*member, whole, depth);
    if (!value) return value;
    items.push_back(std::move(*value));
  }
  if (scan.failed()) return bad_json("an array is malformed");
  return Value{std::move(items)};
}

Result<Value> value_of(const json::Member& member, std::string_view whole, unsigned depth) {
  if (depth > kDeepestJson) return bad_json("brackets lie too deep within each other");
  switch (member.kind) {
    case json::Kind::object: return object_of(json::ObjectScan::inside(whole, member.offset), whole, depth + 1);
    case json::Kind::array: return list_of(json::ArrayScan::inside(whole, member.offset), whole, depth + 1);
    case json::Kind::string: {
      Result<std::string> text = json::unescape(member.value);
      if (!text) return std::move(text).error();
      return Value{std::move(*text)};
    }
    case json::Kind::number: return number_of(member.value);
    case json::Kind::boolean: return Value{member.value == "true"};
    case json::Kind::null: return Value::none();
  }
  return bad_json("unknown value");
}

}  // namespace

Result<Value> from_json(std::string_view text) {
  // The scans read members; a text with any value in it is the one element of an array.
  const std::string wrapped = '[' + std::string{text} + ']';
  Result<Value> list = list_of(json::ArrayScan{wrapped}, wrapped, 0);
  if (!list) return list;
  if (list->list().size() != 1) return bad_json("expected one value");
  return Value{list->list().front()};
}

}  // namespace intragate::jinja
