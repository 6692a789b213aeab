#include "jinja/renderer.h"

#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/print.h"

namespace intragate::jinja {

std::string Renderer::run() {
  variables_.push_back({.symbol = UINT32_MAX});  // no scope within begins where the top level does
  render(syntax_.body);
  return std::move(out_);
}

Renderer::Flow Renderer::render(const Block& block) {
  const Level level{*this};
  for (const Statement& statement : block) {
    work_.at_line(statement.line);
    if (!work_.step()) return Flow::leave_loop;
    const Flow flow = render(statement);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Renderer::Flow Renderer::render(const Statement& statement) {
  using Kind = Statement::Kind;
  switch (statement.kind) {
    case Kind::text: write(statement.text); break;
    case Kind::print: write(evaluate(*statement.expressions.front())); break;
    case Kind::condition: return condition(statement);
    case Kind::loop: return loop(statement);
    case Kind::set: assign(statement.targets, evaluate(*statement.expressions.front())); break;
    case Kind::set_block: assign(statement.targets.front(), captured(statement)); break;
    case Kind::filter_block: write(captured(statement)); break;
    case Kind::scope: return scope(statement);
    case Kind::macro: {
      auto function = std::make_shared<Function>();
      function->kind = Function::Kind::macro;
      function->name = statement.definition->name;
      function->macro = statement.definition.get();
      assign(statement.targets.front(), std::shared_ptr<const Function>{std::move(function)});
      break;
    }
    case Kind::break_loop: return Flow::leave_loop;
    case Kind::continue_loop: return Flow::next_turn;
  }
  return work_.failed() ? Flow::leave_loop : Flow::on;
}

Renderer::Flow Renderer::condition(const Statement& statement) {
  for (std::size_t i = 0; i < statement.expressions.size(); ++i) {
    const Value value = evaluate(*statement.expressions[i]);
    if (work_.failed()) return Flow::leave_loop;
    if (value.truth()) return render(statement.bodies[i]);
  }
  return statement.bodies.size() > statement.expressions.size() ? render(statement.bodies.back()) : Flow::on;
}

Renderer::Flow Renderer::loop(const Statement& statement) {
  std::vector<Value> items = items_of(evaluate(*statement.expressions.front()), work_);
  if (const Expression* const filter = statement.expressions.back().get(); filter != nullptr) {
    const Scope scope{*this};
    std::erase_if(items, [&](const Value& item) {
      if (work_.failed()) return true;
      assign(statement.targets, item);
      return !evaluate(*filter).truth();
    });
  }
  if (work_.failed()) return Flow::leave_loop;
  if (!items.empty()) return turns(statement, std::move(items));
  return statement.bodies.size() > 1 ? render(statement.bodies.back()) : Flow::on;
}

Renderer::Flow Renderer::turns(const Statement& statement, std::vector<Value> items) {
  static constexpr std::string_view kName = "loop";
  const auto known = std::find(syntax_.names.begin(), syntax_.names.end(), kName);
  const auto symbol = static_cast<std::uint32_t>(known - syntax_.names.begin());
  auto state = std::make_shared<Loop>();
  state->items = std::make_shared<const std::vector<Value>>(std::move(items));
  state->depth = static_cast<std::int64_t>(++loops_);
  for (; state->index < state->items->size(); ++state->index) {
    const Scope scope{*this};
    if (known != syntax_.names.end()) set_variable(symbol, state);
    assign(statement.targets, (*state->items)[state->index]);
    if (render(statement.bodies.front()) == Flow::leave_loop) break;
  }
  --loops_;
  return work_.failed() ? Flow::leave_loop : Flow::on;
}

Renderer::Flow Renderer::scope(const Statement& statement) {
  const Scope scope{*this};
  for (std::size_t i = 0; i < statement.targets.size(); ++i) {
    assign(statement.targets[i], evaluate(*statement.expressions[i]));
  }
  return render(statement.bodies.front());
}

Value Renderer::captured(const Statement& statement) {
  std::string outside = std::exchange(out_, {});
  {
    const Scope scope{*this};
    render(statement.bodies.front());
  }
  Value text{std::exchange(out_, std::move(outside))};
  if (statement.expressions.empty() || work_.failed()) return text;
  Value before = std::exchange(captured_, std::move(text));
  Value filtered = evaluate(*statement.expressions.front());
  captured_ = std::move(before);
  return filtered;
}

void Renderer::write(const Value& value) {
  append_text(out_, value, work_);
  if (out_.size() > work_.limits().output) work_.refuse("the prompt would be longer than this gateway writes one");
}

void Renderer::set_variable(std::uint32_t symbol, Value value) {
  for (std::size_t i = variables_.size(); i-- > scope_begin_;) {
    if (variables_[i].symbol != symbol) continue;
    variables_[i].value = std::move(value);
    return;
  }
  variables_.push_back({.symbol = symbol, .value = std::move(value)});
  if (scope_begin_ == 0) top_level_ = variables_.size();
}

void Renderer::assign(const Target& target, Value value) {
  if (target.field.empty()) return set_variable(target.symbol, std::move(value));
  Expression name;
  name.symbol = target.symbol;
  name.text = target.name;
  const Value space = variable(name);
  if (!space.is(Value::Kind::space)) {
    work_.fail("`" + target.name + "` is no namespace: only those have fields that can be set");
    return;
  }
  if (work_.make(target.field.size())) space.space().fields.set(target.field, std::move(value));
}

void Renderer::assign(const std::vector<Target>& targets, const Value& value) {
  if (targets.size() == 1) return assign(targets.front(), value);
  const std::vector<Value> parts = items_of(value, work_);
  if (work_.failed()) return;
  if (parts.size() != targets.size()) {
    work_.fail("expected " + std::to_string(targets.size()) + " values, there are " + std::to_string(parts.size()));
    return;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) assign(targets[i], parts[i]);
}

Value Renderer::variable(const Expression& name) const {
  const auto find = [&](std::size_t from, std::size_t to) -> const Value* {
    while (to-- > from) {
      if (variables_[to].symbol == name.symbol) return &variables_[to].value;
    }
    return nullptr;
  };
  if (const Value* const local = find(floor_, variables_.size()); local != nullptr) return *local;
  if (const Value* const top = find(0, std::min(floor_, top_level_)); top != nullptr) return *top;
  if (const Value* const given = context_.find(name.text); given != nullptr) return *given;
  if (find_global(name.text) == nullptr) return {};
  auto function = std::make_shared<Function>();
  function->name = name.text;
  return std::shared_ptr<const Function>{std::move(function)};
}

}  // namespace intragate::jinja
