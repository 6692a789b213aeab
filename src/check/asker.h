// What all questions of one check share: whom to ask, what was found so far, and how often nobody answered. Owner: one
// check (suite.cpp). Thread: its loop. Does not: know what to ask (texts.h, vectors.h), judge (judge.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "check/suite.h"
#include "check/wire.h"

namespace intragate::check {

// Made by functions: GCC 12 destroys an aggregate within a co_await expression twice.
[[nodiscard]] Question post(std::string path, std::string body);
[[nodiscard]] Question get(std::string_view path, bool from_root = false);

class Asker {
 public:
  Asker(net::Loop& loop, Target target);

  // An answer, or nothing after a finding that says why there is none.
  [[nodiscard]] net::Task<std::optional<Answer>> ask(std::string id, std::string title, Question question);
  // The same with a key that nobody has, or with an empty Authorization header.
  [[nodiscard]] net::Task<std::optional<Answer>> ask_as_stranger(std::string id, std::string title, Question question);
  [[nodiscard]] net::Task<std::optional<Answer>> ask_as_nobody(std::string id, std::string title, Question question);
  // Without a finding: what Dify does not need.
  [[nodiscard]] net::Task<Result<Answer>> try_to_ask(Question question);
  // The engine's own pages, also where a gateway of ours stands before it; nothing when it has none.
  [[nodiscard]] net::Task<std::optional<std::string>> page(std::string_view path);
  // E1 and E4, which all kinds share.
  [[nodiscard]] net::Task<void> ask_refusals(std::string path, std::string good);

  [[nodiscard]] net::Loop& loop() const { return loop_; }
  [[nodiscard]] const Target& target() const { return target_; }
  // The model's own endpoint.
  [[nodiscard]] const std::shared_ptr<upstream::Endpoint>& engine() const {
    return target_.engine ? target_.engine : target_.endpoint;
  }
  [[nodiscard]] const std::string& model() const { return target_.model; }
  void name_model(std::string name) { target_.model = std::move(name); }
  [[nodiscard]] Report& report() { return report_; }
  [[nodiscard]] Findings& findings() { return report_.findings; }

  std::size_t connections = 0;  // made
  std::size_t unanswered = 0;   // … that brought no answer
  bool succeeded = false;       // one brought 200, apart from pages that Dify never asks

 private:
  [[nodiscard]] net::Task<std::optional<Answer>> ask_as(std::shared_ptr<upstream::Endpoint> whom, std::string id,
                                                        std::string title, Question question);
  void note_silence(std::string id, std::string title, const Error& error);

  net::Loop& loop_;
  Target target_;
  Wire wire_;         // our own gateway is always allowed
  Wire engine_wire_;  // … the model behind it by the configuration
  std::shared_ptr<upstream::Endpoint> stranger_;
  std::shared_ptr<upstream::Endpoint> nobody_;
  Report report_;
};

}  // namespace intragate::check
