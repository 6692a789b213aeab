// A template taken apart: what the parser makes and the renderer walks.
// Owner: the template, for ever unchanged. Thread: any number may read it. Does not: hold values of a rendering.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jinja/value.h"

namespace intragate::jinja {

struct Call;
using Builtin = Value (*)(Call&);  // call.h

struct Expression;
using ExpressionPointer = std::unique_ptr<Expression>;

struct Expression {
  enum class Kind : std::uint8_t {
    constant,
    name,
    captured,  // the text of the block whose filters these are
    list,
    object,     // parts: key, value, key, value …
    attribute,  // .text
    subscript,  // parts: object, index
    slice,      // parts: object, from, to, step; those left out are null
    call,       // parts: function, arguments …
    filter,     // parts: value, arguments …
    test,       // 〃
    negate,
    plus,
    logical_not,
    logical_and,
    logical_or,
    compare,      // parts: one more than `operators`
    arithmetic,   // operators: one
    concat,       // any number of parts
    conditional,  // parts: condition, then, else (may be null)
  };
  enum class Operator : std::uint8_t { eq, ne, lt, le, gt, ge, in, not_in, add, sub, mul, div, floor_div, mod, pow };

  Kind kind = Kind::constant;
  std::uint32_t line = 0;
  unsigned depth = 1;
  std::uint32_t symbol = 0;  // name: its number
  std::string text;          // name, attribute, filter, test: as written
  Value constant;
  Builtin builtin = nullptr;  // filter, test
  std::vector<ExpressionPointer> parts;
  std::vector<std::pair<std::string, ExpressionPointer>> named;  // arguments with names
  std::vector<Operator> operators;
};

struct Statement;
using Block = std::vector<Statement>;

// What an assignment changes: a variable, or a field of a namespace.
struct Target {
  std::uint32_t symbol = 0;
  std::string name;
  std::string field;  // empty: the variable itself
};

struct Macro {
  struct Parameter {
    std::uint32_t symbol = 0;
    std::string name;
    ExpressionPointer fallback;  // null: undefined
  };
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
};

struct Statement {
  enum class Kind : std::uint8_t {
    text,
    print,         // expressions: one
    condition,     // expressions: one for each of bodies; one more body is the else
    loop,          // expressions: what, filter (may be null); bodies: turn, else
    set,           // expressions: one
    set_block,     // expressions: filters over `captured`, or none; bodies: one
    filter_block,  // 〃
    scope,         // with: expressions: one for each target; bodies: one
    macro,
    break_loop,
    continue_loop,
  };
  Kind kind = Kind::text;
  std::uint32_t line = 0;
  std::string text{};
  std::vector<Target> targets{};
  std::vector<ExpressionPointer> expressions{};
  std::vector<Block> bodies{};
  std::shared_ptr<const Macro> definition{};  // macro
  bool recursive = false;                     // loop
};

struct Syntax {
  Block body;
  std::vector<std::string> names;  // by symbol
};

}  // namespace intragate::jinja
