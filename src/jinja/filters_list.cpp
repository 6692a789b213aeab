// Filters of lists and objects.
#include <algorithm>

#include "jinja/arithmetic.h"
#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/filters.h"
#include "jinja/print.h"
#include "jinja/text.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

std::vector<Value> items(Call& call) {
  return items_of(call.self, call.work);
}

Value length(Call& call) {
  switch (call.self.kind()) {
    case Kind::undefined: return 0;
    case Kind::string:
      return call.work.make(call.self.weight()) ? Value{static_cast<std::int64_t>(count_characters(call.self.string()))}
                                                : Value{};
    case Kind::list:
    case Kind::object: return static_cast<std::int64_t>(call.self.weight());
    default: return call.work.fail("'" + std::string{kind_name(call.self)} + "' has no length");
  }
}

Value otherwise(Call& call) {
  const bool gone = call.self.is(Kind::undefined) || (call.flag(1, "boolean", false) && !call.self.truth());
  if (!gone) return call.self;
  const Value* const given = call.argument(0, "default_value");
  return given == nullptr ? Value{""} : *given;
}

Value first(Call& call) {
  if (call.self.is(Kind::list)) return call.self.list().empty() ? Value{} : call.self.list().front();
  const std::vector<Value> all = items(call);
  return all.empty() ? Value{} : all.front();
}
Value last(Call& call) {
  if (call.self.is(Kind::list)) return call.self.list().empty() ? Value{} : call.self.list().back();
  const std::vector<Value> all = items(call);
  return all.empty() ? Value{} : all.back();
}

Value list(Call& call) {
  return items(call);
}

Value pairs(Call& call) {
  if (call.self.is(Kind::undefined)) return std::vector<Value>{};
  if (!call.self.is(Kind::object))
    return call.work.fail("items needs an object, not '" + std::string{kind_name(call.self)} + "'");
  std::vector<Value> out;
  if (!call.work.make(call.self.weight() * 4 * sizeof(Value))) return {};
  for (const Object::Entry& entry : call.self.object().entries())
    out.emplace_back(std::vector<Value>{entry.first, entry.second});
  return out;
}

Value reversed(Call& call) {
  if (call.self.is(Kind::string)) return sliced(call.self, {.from = {}, .to = {}, .step = -1}, call.work);
  std::vector<Value> all = items(call);
  std::reverse(all.begin(), all.end());
  return all;
}

// The field that `attribute` names: `function.name`, `0`.
Value attribute_of(const Value& item, std::string_view path, Work& work) {
  Value value = item;
  while (!path.empty() && !value.is(Kind::undefined) && !work.failed()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    const std::optional<std::uint64_t> number = text::parse_unsigned(name);
    value = item_at(value, number ? Value{static_cast<std::int64_t>(*number)} : Value{name}, work);
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

Value join(Call& call) {
  const std::string between = call.text(0, "d", "");
  const std::string attribute = call.text(1, "attribute", "");
  std::string out;
  bool begun = false;
  for (const Value& item : items(call)) {
    if (begun && !call.work.make(between.size())) return {};
    if (begun) out += between;
    begun = true;
    append_text(out, attribute_of(item, attribute, call.work), call.work);
  }
  return out;
}

enum class Case : std::uint8_t { counts, does_not };

// What is compared of an item: its attribute, in lower case unless case counts.
Value sort_key(const Value& item, std::string_view attribute, Case how, Work& work) {
  Value key = attribute_of(item, attribute, work);
  if (how == Case::counts || !key.is(Kind::string) || !work.make(key.weight())) return key;
  return lower(std::string_view{key.string()});
}

struct Keyed {
  Value key;
  Value item;
};

std::vector<Keyed> keyed(Call& call, std::string_view attribute, Case how) {
  std::vector<Keyed> out;
  for (Value& item : items(call)) {
    Value key = sort_key(item, attribute, how, call.work);
    out.push_back({.key = std::move(key), .item = std::move(item)});
  }
  return out;
}

// What one merge of two sorted neighbours is about.
struct Merge {
  std::size_t left;
  std::size_t middle;
  std::size_t end;
};

void merge(std::vector<Keyed>& from, std::vector<Keyed>& into, Merge at, bool down, Work& work) {
  std::size_t right = at.middle;
  for (std::size_t to = at.left, end = at.end; to < end; ++to) {
    bool from_left = right == at.end;
    if (!from_left && at.left < at.middle) {
      const int compared = order(from[at.left].key, from[right].key, work);
      from_left = down ? compared >= 0 : compared <= 0;
    }
    into[to] = std::move(from_left ? from[at.left++] : from[right++]);
  }
}

// A merge sort: whatever the order says, also when it has failed, it ends and stays within the list.
void sort(std::vector<Keyed>& all, bool down, Work& work) {
  if (!work.make(all.size() * sizeof(Keyed))) return;
  std::vector<Keyed> other(all.size());
  for (std::size_t width = 1; width < all.size() && !work.failed(); width *= 2) {
    for (std::size_t begin = 0; begin < all.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, all.size());
      merge(all, other, {begin, middle, std::min(begin + 2 * width, all.size())}, down, work);
    }
    std::swap(all, other);
  }
}

Value items_of_keyed(std::vector<Keyed> all) {
  std::vector<Value> out;
  out.reserve(all.size());
  for (Keyed& one : all) out.push_back(std::move(one.item));
  return out;
}

Value sorted(Call& call) {
  const Case how = call.flag(1, "case_sensitive", false) ? Case::counts : Case::does_not;
  std::vector<Keyed> all = keyed(call, call.text(2, "attribute", ""), how);
  sort(all, call.flag(0, "reverse", false), call.work);
  return items_of_keyed(std::move(all));
}

Value sorted_pairs(Call& call) {
  const Case how = call.flag(0, "case_sensitive", false) ? Case::counts : Case::does_not;
  const std::string by = call.text(1, "by", "key");
  Call of_pairs{.work = call.work, .self = pairs(call), .arguments = {}, .named = {}};
  std::vector<Keyed> all = keyed(of_pairs, by == "value" ? "1" : "0", how);
  sort(all, call.flag(2, "reverse", false), call.work);
  return items_of_keyed(std::move(all));
}

Value unique(Call& call) {
  const Case how = call.flag(0, "case_sensitive", false) ? Case::counts : Case::does_not;
  std::vector<Value> seen;
  std::vector<Value> out;
  for (Keyed& one : keyed(call, call.text(1, "attribute", ""), how)) {
    if (call.work.failed()) return {};
    const auto same = [&](const Value& other) { return equal(other, one.key, call.work); };
    if (std::any_of(seen.begin(), seen.end(), same)) continue;
    seen.push_back(std::move(one.key));
    out.push_back(std::move(one.item));
  }
  return out;
}

enum class End : std::uint8_t { lowest, highest };
template <End end>
Value extreme(Call& call) {
  const Case how = call.flag(0, "case_sensitive", false) ? Case::counts : Case::does_not;
  std::vector<Keyed> all = keyed(call, call.text(1, "attribute", ""), how);
  std::size_t best = 0;
  for (std::size_t i = 1; i < all.size() && !call.work.failed(); ++i) {
    const int compared = order(all[i].key, all[best].key, call.work);
    if (end == End::lowest ? compared < 0 : compared > 0) best = i;
  }
  return all.empty() ? Value{} : std::move(all[best].item);
}

Value sum(Call& call) {
  const std::string attribute = call.text(0, "attribute", "");
  const Value* const start = call.argument(1, "start");
  Value total = start == nullptr ? Value{0} : *start;
  for (const Value& item : items(call)) {
    total = arithmetic(Expression::Operator::add, total, attribute_of(item, attribute, call.work), call.work);
  }
  return total;
}

Value batched(Call& call) {
  const std::int64_t size = call.number(0, "linecount", 1);
  const Value* const fill = call.argument(1, "fill_with");
  if (size < 1) return call.work.fail("batch needs a size");
  std::vector<Value> out;
  std::vector<Value> row;
  for (Value& item : items(call)) {
    row.push_back(std::move(item));
    if (static_cast<std::int64_t>(row.size()) == size) out.emplace_back(std::exchange(row, {}));
  }
  if (row.empty()) return out;
  while (fill != nullptr && static_cast<std::int64_t>(row.size()) < size && call.work.make(sizeof(Value)))
    row.push_back(*fill);
  out.emplace_back(std::move(row));
  return out;
}

Value grouped(Call& call) {
  const std::string attribute = call.text(0, "attribute", "");
  std::vector<Keyed> all = keyed(call, attribute, Case::does_not);
  sort(all, false, call.work);
  std::vector<Value> out;
  for (std::size_t i = 0; i < all.size() && !call.work.failed();) {
    Value key = attribute_of(all[i].item, attribute, call.work);
    const Value compared = all[i].key;
    std::vector<Value> group;
    for (; i < all.size() && equal(all[i].key, compared, call.work); ++i) group.push_back(all[i].item);
    out.emplace_back(std::vector<Value>{std::move(key), std::move(group)});
  }
  return out;
}

// ---- those that choose and change items --------------------------------------------------------------------------

Value attribute(Call& call) {
  const Value* const name = call.argument(0, "name");
  if (name == nullptr || !name->is(Kind::string)) return call.work.fail("attr needs a name");
  return call.self.is(Kind::object) ? Value{} : member(call.self, name->string(), Lookup::attribute, call.work);
}

// The arguments behind the first `count`.
Call rest_of(Call& call, Value self, std::size_t count) {
  Call rest{.work = call.work, .self = std::move(self), .arguments = {}, .named = call.named};
  for (std::size_t i = count; i < call.arguments.size(); ++i) rest.arguments.push_back(call.arguments[i]);
  return rest;
}

Value map(Call& call) {
  std::vector<Value> out;
  const Value* const fallback = call.arguments.empty() ? call.argument(SIZE_MAX, "default") : nullptr;
  const Value* const path = call.arguments.empty() ? call.argument(SIZE_MAX, "attribute") : nullptr;
  if (path != nullptr) {
    const std::string name = text_of(*path, call.work);
    for (const Value& item : items(call)) {
      Value value = attribute_of(item, name, call.work);
      if (value.is(Kind::undefined) && fallback != nullptr) {
        out.push_back(*fallback);
      } else {
        out.push_back(std::move(value));
      }
    }
    return out;
  }
  const std::string name = call.text(0, "filter", "");
  const Builtin filter = find_filter(name);
  if (filter == nullptr) return call.work.fail("map: there is no filter `" + name + "`");
  for (Value& item : items(call)) {
    if (call.work.failed() || !call.work.step()) return {};
    Call one = rest_of(call, std::move(item), 1);
    out.push_back(filter(one));
  }
  return out;
}

enum class Keep : std::uint8_t { those_that_hold, the_others };
enum class Of : std::uint8_t { item, attribute };

template <Keep keep, Of of>
Value chosen(Call& call) {
  const std::size_t test_place = of == Of::attribute ? 1 : 0;
  const std::string path =
      of == Of::attribute ? text_of(call.argument(0, "attr") ? *call.argument(0, "attr") : Value{}, call.work) : "";
  Builtin test = nullptr;
  if (test_place < call.arguments.size()) {
    const std::string name = call.text(test_place, "test", "");
    test = find_test(name);
    if (test == nullptr) return call.work.fail("there is no test `" + name + "`");
  }
  std::vector<Value> out;
  for (Value& item : items(call)) {
    if (!call.work.step()) return {};
    Value subject = of == Of::attribute ? attribute_of(item, path, call.work) : item;
    bool holds = subject.truth();
    if (test != nullptr) {
      Call one = rest_of(call, std::move(subject), test_place + 1);
      holds = test(one).truth();
    }
    if (holds == (keep == Keep::those_that_hold)) out.push_back(std::move(item));
  }
  return out;
}

constexpr NamedBuiltin kFilters[] = {
    {"length", length},
    {"count", length},
    {"default", otherwise},
    {"d", otherwise},
    {"first", first},
    {"last", last},
    {"list", list},
    {"items", pairs},
    {"dictsort", sorted_pairs},
    {"reverse", reversed},
    {"join", join},
    {"sort", sorted},
    {"unique", unique},
    {"min", extreme<End::lowest>},
    {"max", extreme<End::highest>},
    {"sum", sum},
    {"batch", batched},
    {"groupby", grouped},
    {"attr", attribute},
    {"map", map},
    {"select", chosen<Keep::those_that_hold, Of::item>},
    {"reject", chosen<Keep::the_others, Of::item>},
    {"selectattr", chosen<Keep::those_that_hold, Of::attribute>},
    {"rejectattr", chosen<Keep::the_others, Of::attribute>},
};

}  // namespace

std::span<const NamedBuiltin> filters_of_lists() {
  return kFilters;
}

Builtin find_filter(std::string_view name) {
  const Builtin found = find_in(filters_of_lists(), name);
  return found == nullptr ? find_in(filters_of_texts(), name) : found;
}

std::string_view closest_filter(std::string_view name) {
  const std::string_view found = closest_in(filters_of_lists(), name);
  return found.empty() ? closest_in(filters_of_texts(), name) : found;
}

}  // namespace intragate::jinja
