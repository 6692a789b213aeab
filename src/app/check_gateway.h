// A gateway of a check's own, in this process, on a loopback port: one endpoint behind it, whose dialect is not
// OpenAI's, so that the check sees what Dify would see. It has one key, keeps nothing, and leaves out what is not about
// the model: limits, content rules, hedges, retries, cool-downs. Owner: the check command. Thread: its own; made and
// ended by the main one.
#pragma once

#include <memory>
#include <string>

#include "app/gateway.h"
#include "base/result.h"
#include "config/config.h"

namespace intragate::app {

class CheckGateway {
 public:
  // For the endpoint at `position` of `model`. Errors: io, invalid_configuration.
  static Result<std::unique_ptr<CheckGateway>> open(const config::Config& config, const config::Model& model,
                                                    std::size_t position);
  ~CheckGateway();  // nothing of it is left
  CheckGateway(const CheckGateway&) = delete;
  CheckGateway& operator=(const CheckGateway&) = delete;

  // Where it listens, with its key.
  [[nodiscard]] config::Endpoint door() const;

 private:
  CheckGateway() = default;
  std::string folder_;  // its data, until the end
  config::Secret key_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace intragate::app
