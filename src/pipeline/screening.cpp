#include "pipeline/screening.h"

#include <algorithm>

#include "base/json_write.h"
#include "dialect/openai.h"
#include "metrics/registry.h"
#include "net/loop.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using content::Where;
using dialect::BodyScreen;

constexpr std::array<Where, 2> kSides{Where::prompt, Where::answer};

BodyScreen::Copies copies_of(const Screening::Side& side) {
  return side.enforces() ? BodyScreen::Copies::removed : BodyScreen::Copies::kept;
}

}  // namespace

bool Screening::Side::enforces() const {
  return std::any_of(rules.begin(), rules.end(),
                     [](const content::Rule* rule) { return rule->action != content::Action::note; });
}

std::unique_ptr<Screening> Screening::of(const config::Config& config, std::string_view key, std::string_view model) {
  Screening screening;  // goes to the heap only if it is wanted
  for (const config::ContentRule& one : config.content_rules) {
    if (!one.is_for(key, model)) continue;
    screening.all_.push_back(one.rule.get());
    for (const Where where : kSides) {
      if (one.rule->looks_into(where)) screening.side(where).rules.push_back(one.rule.get());
    }
  }
  if (screening.all_.empty()) return nullptr;
  for (Side& side : screening.sides_) side.tally = content::Tally{side.rules.size()};
  return std::make_unique<Screening>(std::move(screening));
}

std::string Screening::json() const {
  std::string out;
  for (const Where where : kSides) {
    const Side& side = this->side(where);
    for (std::size_t i = 0; i < side.rules.size(); ++i) {
      if (side.tally.count[i] == 0) continue;
      out += out.empty() ? '[' : ',';
      json::Writer writer{out};
      writer.open_object().text("rule", side.rules[i]->name).text("action", action_name(side.rules[i]->action));
      writer.text("in", where_name(where)).number("count", std::int64_t{side.tally.count[i]}).close_object();
    }
  }
  if (!out.empty()) out += ']';
  return out;
}

void Screening::count(metrics::Shard& metrics) const {
  for (const Where where : kSides) {
    const Side& side = this->side(where);
    for (std::size_t i = 0; i < side.rules.size(); ++i) {
      if (side.tally.count[i] == 0) continue;
      metrics
          .counter(metrics::Metric::content_findings,
                   {side.rules[i]->name, action_name(side.rules[i]->action), where_name(where)})
          .add(side.tally.count[i]);
    }
  }
}

std::string_view Screening::word() const {
  bool masked = false;
  for (const Side& side : sides_) {
    if (side.tally.refused) return "refused";
    for (std::size_t i = 0; i < side.rules.size(); ++i) {
      masked = masked || (side.tally.count[i] > 0 && side.rules[i]->action == content::Action::mask);
    }
  }
  return masked ? "masked" : "";
}

Error Screening::refusal(Where where) const {
  const Side& side = this->side(where);
  const std::string rule = "the content rule `" + side.rules[*side.tally.refused]->name + "`";
  return make_error(
      Code::content_refused,
      where == Where::prompt
          ? "This request was not sent to the model: " + rule + " found something in it that must not be sent."
          : "The model's answer is withheld: " + rule + " found something in it that must not be shown.");
}

net::Task<Result<Unit>> screen_answer(Exchange& x) {
  const auto unreadable = [&x](std::string_view why) {
    return make_error(Code::upstream_malformed, "The model `" + x.lane->name +
                                                    "` gave an answer that content rules cannot look through: it is " +
                                                    std::string{why} + ".")
        .retrying(Retry::never);
  };
  Screening::Side& side = x.screening->side(Where::answer);
  const bool packed = x.answer.packed();
  if (packed || !x.answer.collected) {
    if (!side.enforces()) co_return Unit{};
    co_return unreadable(packed ? "compressed" : "longer than 32 MiB");
  }
  BodyScreen screen{x.answer.owned, side.rules, side.tally, content::Filter::Mode::as_ruled, copies_of(side)};
  while (!screen.step()) {
    co_await net::Yield{x.worker.loop()};
    if (x.connection.cancellation().fired()) co_return make_error(Code::client_gone, {});
  }
  if (side.tally.refused) co_return x.screening->refusal(Where::answer);
  std::optional<std::string> changed = screen.changed();
  if (changed) x.answer.owned = *std::move(changed);
  x.answer.held.set(x.answer.owned.capacity());
  co_return Unit{};
}

std::unique_ptr<StreamScreen> stream_screen_of(const Exchange& x) {
  const bool looks = x.screening && x.screening->looks_into(Where::answer);
  return looks ? std::make_unique<StreamScreen>(x) : nullptr;
}

StreamScreen::StreamScreen(const Exchange& x)
    : side_{x.screening->side(Where::answer)}, events_{x.call.api, side_.rules, side_.tally, copies_of(side_)} {}

void StreamScreen::add(const Exchange& x, std::string_view block) {
  payload_ += block.size();
  if (blocks_ == Blocks::plain || !x.reply.chunked()) {
    out_ += block;
    return;
  }
  net::append_chunk_head(out_, block.size());
  out_ += block;
  out_ += net::kChunkEnd;
}

void StreamScreen::add_event(const Exchange& x, std::string_view data) {
  if (x.transcript) x.transcript->event(data);
  add(x, "data: " + std::string{data} + "\n\n");
}

void StreamScreen::take(const Exchange& x, std::string_view data) {
  const std::size_t first = data.find_first_not_of(' ');
  if (first != std::string_view::npos && data[first] == '[') {  // [DONE]: what was held comes before it
    const std::string_view rest = events_.rest();
    if (!rest.empty()) add_event(x, rest);
    if (refused()) {
      last_ = rest;
      return;
    }
    return add_event(x, data);
  }
  const dialect::openai::EventScreen::Event event = events_.take(data);
  if (!event.before.empty()) add_event(x, event.before);
  if (!event.data.empty()) add_event(x, event.data);
  if (refused()) last_ = event.data;
}

void StreamScreen::apply(Exchange& x, Stream::Output& out, Blocks blocks) {
  out_.clear();
  payload_ = 0;
  blocks_ = blocks;
  for (std::string_view bytes = out.bytes; !refused();) {
    const net::SseReader::Step step = reader_.step(bytes);
    bytes.remove_prefix(step.consumed);
    if (step.state != net::SseReader::State::event) break;
    if (step.event.kind == net::SseEvent::Kind::comment) {
      add(x, step.event.bytes);
    } else {
      take(x, step.event.data);
    }
  }
  const bool over = out.end == Stream::End::complete || out.end == Stream::End::too_long;
  if (over && !refused()) {
    const std::string_view rest = events_.rest();
    if (!rest.empty()) add_event(x, rest);
  }
  if (refused()) close(x, out);
  out.bytes = out_;
  out.payload = payload_;
  x.answer.held.set(out_.capacity() + events_.held());
}

// As models' own filters end an answer.
void StreamScreen::close(Exchange& x, Stream::Output& out) {
  const llm::Usage usage = usage_so_far(x);
  const dialect::openai::Closing closing = dialect::openai::close_answer(
      x.call.api, last_, x.usage_hidden ? nullptr : &usage, {"content_filter", events_.refused_choice()});
  add_event(x, closing.finish);
  if (!closing.usage.empty()) add_event(x, closing.usage);
  add_event(x, "[DONE]");
  out.end = Stream::End::complete;
  out.body_ended = false;
}

}  // namespace intragate::pipeline
