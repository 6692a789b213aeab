#include "audit/copies.h"

#include <algorithm>
#include <utility>

#include "audit/quiet_thread.h"
#include "base/log.h"

namespace intragate::audit {
namespace {

constexpr Duration kLastPatience = std::chrono::seconds{3};

}  // namespace

bool same_places(const std::vector<config::AuditCopy>& a, const std::vector<config::AuditCopy>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const config::AuditCopy& one, const config::AuditCopy& other) { return one.to == other.to; });
}

Copies::Copies() = default;

Result<std::shared_ptr<Copies>> Copies::open(const std::vector<config::AuditCopy>& copies, const AddressList& egress) {
  std::shared_ptr<Copies> all{new Copies};
  for (const config::AuditCopy& copy : copies) {
    Result<Copy::Rules> rules = Copy::rules_of(copy, egress);
    if (!rules) return std::move(rules).error();
    all->copies_.push_back(std::make_unique<Copy>(all->loop_, *std::move(rules), all->origin_));
  }
  all->busy_ = all->copies_.size();
  all->thread_ = quiet_thread("audit copies", [self = all.get()] { self->loop_.run(); });
  all->loop_.post([self = all.get()] {
    for (const auto& copy : self->copies_) self->loop_.spawn(self->serve(*copy));
  });
  return all;
}

Copies::~Copies() {
  finish();
  loop_.end_tasks();  // they refer to the copies
}

net::Task<void> Copies::serve(Copy& copy) {
  co_await copy.run();
  if (--busy_ == 0) all_done_.set();
}

net::Task<void> Copies::end_in_time() {
  (void)co_await all_done_.wait(loop_, {Deadline::in(loop_.now(), kLastPatience), nullptr});
  for (const auto& copy : copies_) copy->give_up();
  while (busy_ > 0) co_await net::Yield{loop_};  // each counts what it could not send
  loop_.stop();
}

void Copies::offer(std::string_view lines) {
  for (const auto& copy : copies_) copy->offer(lines);
}

std::vector<CopyGap> Copies::take_gaps() {
  std::vector<CopyGap> gaps;
  for (const auto& copy : copies_) {
    if (std::optional<CopyGap> gap = copy->take_gap()) gaps.push_back(*std::move(gap));
  }
  return gaps;
}

std::vector<CopyGap> Copies::take_open_gaps() {
  std::vector<CopyGap> gaps = take_gaps();
  for (const auto& copy : copies_) copy->end_gap();
  for (CopyGap& gap : take_gaps()) gaps.push_back(std::move(gap));
  return gaps;
}

bool Copies::must_refuse() const {
  return std::any_of(copies_.begin(), copies_.end(), [](const auto& copy) { return copy->must_refuse(); });
}

std::vector<CopyState> Copies::states() const {
  std::vector<CopyState> states;
  for (const auto& copy : copies_) states.push_back(copy->state());
  return states;
}

Result<Unit> Copies::adopt(const std::vector<config::AuditCopy>& copies, const AddressList& egress) {
  std::vector<Copy::Rules> rules;
  for (const config::AuditCopy& copy : copies) {
    Result<Copy::Rules> one = Copy::rules_of(copy, egress);
    if (!one) return std::move(one).error();
    rules.push_back(*std::move(one));
  }
  loop_.post([this, rules = std::move(rules)] {
    for (std::size_t i = 0; i < copies_.size(); ++i) copies_[i]->adopt(rules[i]);
  });
  return Unit{};
}

void Copies::finish() {
  if (!thread_.joinable()) return;
  loop_.post([this] {
    for (const auto& copy : copies_) copy->finish();
    loop_.spawn(end_in_time());
  });
  thread_.join();
  for (const CopyState& state : states()) {
    if (state.dropped == 0) continue;
    log::warning("an audit copy lacks records",
                 {{"to", state.to}, {"count", static_cast<std::int64_t>(state.dropped)}});
  }
}

}  // namespace intragate::audit
