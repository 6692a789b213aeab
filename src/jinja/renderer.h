// One rendering: walks a template's syntax, keeps the variables, writes the text.
// Owner: Template::render, on its stack. Thread: one. Does not: know filters, tests or methods (builtins.h).
// Rule: a macro sees its arguments and the variables of the template's top level, not those of the block around it.
#pragma once

#include <string>
#include <vector>

#include "jinja/call.h"
#include "jinja/syntax.h"
#include "jinja/work.h"

namespace intragate::jinja {

class Renderer {
 public:
  Renderer(const Syntax& syntax, const Object& context, Work& work) : syntax_{syntax}, context_{context}, work_{work} {}

  std::string run();

 private:
  struct Variable {
    std::uint32_t symbol = 0;
    Value value{};
  };
  enum class Flow : std::uint8_t { on, leave_loop, next_turn };

  // Variables that are gone at its end.
  class Scope {
   public:
    explicit Scope(Renderer& renderer)
        : renderer_{renderer}, begin_{renderer.scope_begin_}, size_{renderer.variables_.size()} {
      renderer.scope_begin_ = size_;
    }
    ~Scope() {
      renderer_.variables_.resize(size_);
      renderer_.scope_begin_ = begin_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Renderer& renderer_;
    std::size_t begin_;
    std::size_t size_;
  };

  // One level within another: too many are a failure.
  class Level {
   public:
    explicit Level(Renderer& renderer) : depth_{renderer.depth_} {
      if (++depth_ > renderer.work_.limits().depth) renderer.work_.fail("the template goes too deep");
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    unsigned& depth_;
  };

  Flow render(const Block& block);
  Flow render(const Statement& statement);
  Flow condition(const Statement& statement);
  Flow loop(const Statement& statement);
  Flow turns(const Statement& statement, std::vector<Value> items);
  Flow scope(const Statement& statement);
  // What the block writes, through the filters if there are some; leaving a loop from within is not possible.
  Value captured(const Statement& statement);

  void write(const Value& value);
  void assign(const Target& target, Value value);
  void assign(const std::vector<Target>& targets, const Value& value);
  void set_variable(std::uint32_t symbol, Value value);
  [[nodiscard]] Value variable(const Expression& name) const;

  Value evaluate(const Expression& expression);
  Value compute(const Expression& expression);
  Value within(const Expression& expression);
  Value compare(const Expression& expression);
  bool holds(Expression::Operator op, const Value& left, const Value& right);
  Value concatenate(const Expression& expression);
  Value list(const Expression& expression);
  Value object(const Expression& expression);
  Value slice(const Expression& expression);
  Value call(const Expression& expression);
  Value call_macro(const Macro& macro, Call& call);
  Value apply(const Expression& filter_or_test);
  void arguments(const Expression& expression, Call& call);

  const Syntax& syntax_;
  const Object& context_;
  Work& work_;
  std::string out_;
  std::vector<Variable> variables_;
  std::size_t scope_begin_ = 0;  // of the innermost scope
  std::size_t floor_ = 0;        // of the macro that runs; below it only the top level is seen
  std::size_t top_level_ = 0;    // how many variables that has
  std::size_t loops_ = 0;
  unsigned depth_ = 0;
  Value captured_;
};

}  // namespace intragate::jinja
