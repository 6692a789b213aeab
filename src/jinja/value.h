// What a template computes with: the values of JSON, and the few more that Jinja has (undefined, namespaces, the loop,
// functions). Strings, lists and objects are shared and never change, so a copy costs a counter.
// Owner: the caller; a plain value. Thread: one rendering's; what is made of JSON once may be read by many.
// Does not: parse, print, compute (json.h, print.h, work on them). Keys of objects are strings; tuples are lists; whole
// numbers have 64 bits.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace intragate::jinja {

struct ListBody;
class Object;
struct Namespace;
struct Loop;
struct Function;

class Value {
 public:
  enum class Kind : std::uint8_t {
    undefined,
    none,
    boolean,
    integer,
    real,
    string,
    list,
    object,
    space,
    loop,
    function
  };

  Value() = default;  // undefined
  template <std::same_as<bool> T>
  Value(T value) : held_{value} {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Value(T value) : held_{static_cast<std::int64_t>(value)} {}
  Value(double value) : held_{value} {}
  Value(std::string text) : held_{std::make_shared<const std::string>(std::move(text))} {}
  Value(std::string_view text) : Value{std::string{text}} {}
  Value(const char* text) : Value{std::string{text}} {}
  Value(std::vector<Value> items);
  Value(Object object);
  Value(std::shared_ptr<Namespace> space) : held_{std::move(space)} {}
  Value(std::shared_ptr<Loop> loop) : held_{std::move(loop)} {}
  Value(std::shared_ptr<const Function> function) : held_{std::move(function)} {}
  [[nodiscard]] static Value none();

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(held_.index()); }
  [[nodiscard]] bool is(Kind kind) const { return this->kind() == kind; }
  [[nodiscard]] bool is_number() const { return is(Kind::integer) || is(Kind::real) || is(Kind::boolean); }

  // REQUIRE: the kind. `integer` and `real` also take a boolean, `real` an integer.
  [[nodiscard]] bool boolean() const { return *std::get_if<bool>(&held_); }
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] double real() const;
  [[nodiscard]] const std::string& string() const { return **std::get_if<Text>(&held_); }
  [[nodiscard]] const std::vector<Value>& list() const;
  [[nodiscard]] const Object& object() const { return **std::get_if<std::shared_ptr<const Object>>(&held_); }
  [[nodiscard]] Namespace& space() const { return **std::get_if<std::shared_ptr<Namespace>>(&held_); }
  [[nodiscard]] Loop& loop() const { return **std::get_if<std::shared_ptr<Loop>>(&held_); }
  [[nodiscard]] const Function& function() const { return **std::get_if<std::shared_ptr<const Function>>(&held_); }

  [[nodiscard]] bool truth() const;
  // How many lists and objects lie within each other here; what is made of them stays below kDeepest.
  [[nodiscard]] unsigned depth() const;
  // What a piece of work over it costs, in bytes or items.
  [[nodiscard]] std::size_t weight() const;
  // The same namespace, loop or function, or one and the same list or object.
  [[nodiscard]] bool same_as(const Value& other) const { return held_ == other.held_; }

 private:
  using Text = std::shared_ptr<const std::string>;
  std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, double, Text, std::shared_ptr<const ListBody>,
               std::shared_ptr<const Object>, std::shared_ptr<Namespace>, std::shared_ptr<Loop>,
               std::shared_ptr<const Function>>
      held_;
};

inline constexpr unsigned kDeepest = 100;

struct ListBody {
  std::vector<Value> items;
  unsigned depth = 1;
};

// Keys with their values, in the order in which they came; a key that comes again takes its old place.
class Object {
 public:
  using Entry = std::pair<std::string, Value>;

  Object() = default;
  Object(std::initializer_list<Entry> entries);

  void set(std::string_view key, Value value);
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] unsigned depth() const { return depth_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static constexpr std::size_t kSmall = 16;  // up to here a look at each is quicker than an index

  [[nodiscard]] std::size_t place_of(std::string_view key) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> index_;
  unsigned depth_ = 1;
};

// namespace(): the one thing that a template can change. The rendering empties all of them at its end, so that they
// may hold each other.
struct Namespace {
  Object fields;
};

// The `loop` of a for: changed by the loop at each turn.
struct Loop {
  std::shared_ptr<const std::vector<Value>> items;
  std::size_t index = 0;
  std::int64_t depth = 1;
  Value last_seen;  // of loop.changed()
  bool seen = false;
};

struct Macro;  // syntax.h

// Something that can be called: a function of the language, a method with its object, or a macro.
struct Function {
  enum class Kind : std::uint8_t { global, method, macro };
  Kind kind = Kind::global;
  std::string name;
  Value self;                    // method
  const Macro* macro = nullptr;  // macro; lives as long as the template
};

}  // namespace intragate::jinja
