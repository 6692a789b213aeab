#include "jinja/value.h"

#include <algorithm>

namespace intragate::jinja {

Value::Value(std::vector<Value> items) {
  unsigned deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, item.depth());
  held_ = std::make_shared<const ListBody>(ListBody{.items = std::move(items), .depth = deepest + 1});
}

Value::Value(Object object) : held_{std::make_shared<const Object>(std::move(object))} {}

Value Value::none() {
  Value value;
  value.held_ = nullptr;
  return value;
}

std::int64_t Value::integer() const {
  if (const bool* flag = std::get_if<bool>(&held_)) return *flag ? 1 : 0;
  return *std::get_if<std::int64_t>(&held_);
}

double Value::real() const {
  if (const double* number = std::get_if<double>(&held_)) return *number;
  return static_cast<double>(integer());
}

const std::vector<Value>& Value::list() const {
  return (*std::get_if<std::shared_ptr<const ListBody>>(&held_))->items;
}

bool Value::truth() const {
  switch (kind()) {
    case Kind::undefined:
    case Kind::none: return false;
    case Kind::boolean: return boolean();
    case Kind::integer: return integer() != 0;
    case Kind::real: return real() != 0;
    case Kind::string: return !string().empty();
    case Kind::list: return !list().empty();
    case Kind::object: return object().size() != 0;
    case Kind::space:
    case Kind::loop:
    case Kind::function: return true;
  }
  return false;
}

unsigned Value::depth() const {
  if (const auto* body = std::get_if<std::shared_ptr<const ListBody>>(&held_)) return (*body)->depth;
  if (is(Kind::object)) return object().depth();
  return 0;
}

std::size_t Value::weight() const {
  switch (kind()) {
    case Kind::string: return string().size();
    case Kind::list: return list().size();
    case Kind::object: return object().size();
    default: return 1;
  }
}

Object::Object(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

std::size_t Object::place_of(std::string_view key) const {
  if (!index_.empty()) {
    const auto found = index_.find(key);
    return found == index_.end() ? entries_.size() : found->second;
  }
  const auto found = std::find_if(entries_.begin(), entries_.end(), [key](const Entry& e) { return e.first == key; });
  return static_cast<std::size_t>(found - entries_.begin());
}

const Value* Object::find(std::string_view key) const {
  const std::size_t place = place_of(key);
  return place < entries_.size() ? &entries_[place].second : nullptr;
}

void Object::set(std::string_view key, Value value) {
  depth_ = std::max(depth_, value.depth() + 1);
  const std::size_t place = place_of(key);
  if (place < entries_.size()) {
    entries_[place].second = std::move(value);
    return;
  }
  entries_.emplace_back(std::string{key}, std::move(value));
  if (!index_.empty()) {
    index_.emplace(std::string{key}, place);
  } else if (entries_.size() > kSmall) {
    for (std::size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].first, i);
  }
}

}  // namespace intragate::jinja
