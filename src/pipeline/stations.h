// The stations between receive and settle, each in the .cpp file of its name. Stateless apart from what their
// constructors take.
#pragma once

#include "pipeline/station.h"

namespace intragate::pipeline {

// Who is calling: key → principal. Before the body is read, so that a stranger costs nothing.
class Identify final : public Station {
 public:
  std::string_view name() const override { return "identify"; }
  Passage pass(Exchange& x) override;
};

// What is wanted: the URL's meaning, the body (read here), the model. Only the few members the gateway needs are looked
// at.
class Understand final : public Station {
 public:
  std::string_view name() const override { return "understand"; }
  Passage pass(Exchange& x) override;
};

// May this principal use this model.
class Authorize final : public Station {
 public:
  std::string_view name() const override { return "authorize"; }
  Passage pass(Exchange& x) override;
};

// May this prompt leave: what content rules mask is masked, what they refuse goes no further.
class Screen final : public Station {
 public:
  std::string_view name() const override { return "screen"; }
  Passage pass(Exchange& x) override;
};

// How many tokens the prompt is, and whether it fits into the model's context window.
class Measure final : public Station {
 public:
  std::string_view name() const override { return "measure"; }
  Passage pass(Exchange& x) override;
};

// Is there anything left of the limits of key, user, address and model.
class Limit final : public Station {
 public:
  std::string_view name() const override { return "limit"; }
  Passage pass(Exchange& x) override;
};

// Answers /v1/messages/count_tokens: by the model's tokenizer, or an estimate that says so.
class Count final : public Station {
 public:
  std::string_view name() const override { return "count"; }
  Passage pass(Exchange& x) override;
};

// A slot of the model, if need be after a fair and bounded wait.
class Admit final : public Station {
 public:
  std::string_view name() const override { return "admit"; }
  Passage pass(Exchange& x) override;
};

// Answers /v1/models and /v1/models/{id} from the snapshot: only what the principal may use.
class ListModels final : public Station {
 public:
  std::string_view name() const override { return "list_models"; }
  Passage pass(Exchange& x) override;
};

// Chooses an endpoint, sends, waits for the first byte of the answer (for the whole of it when it is not a stream). The
// only place that retries and fails over.
class Dispatch final : public Station {
 public:
  std::string_view name() const override { return "dispatch"; }
  Passage pass(Exchange& x) override;
};

// Hands the model's answer to the client as it comes.
class Relay final : public Station {
 public:
  std::string_view name() const override { return "relay"; }
  Passage pass(Exchange& x) override;
};

}  // namespace intragate::pipeline
