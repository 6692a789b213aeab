#include "check/ladder.h"

#include <algorithm>

namespace intragate::check {

using namespace std::chrono_literals;

std::vector<Rung> ladder(const std::string& kind, const GatewayTimeouts& gateway) {
  const bool vectors = kind == "embedding" || kind == "rerank";
  return {
      {"browser", "TEXT_GENERATION_TIMEOUT_MS (Dify web, text generator apps)", 60s, "whole answer"},
      {"nginx in front of Dify", "NGINX_PROXY_READ_TIMEOUT", 3600s, "silence"},
      {"Dify's app or workflow", "APP_MAX_EXECUTION_TIME, WORKFLOW_MAX_EXECUTION_TIME", 1200s, "whole answer"},
      {"Dify's API towards the plugin daemon", "PLUGIN_DAEMON_TIMEOUT", 600s, "silence"},
      {"Dify's plugin daemon", "PLUGIN_MAX_EXECUTION_TIMEOUT", 600s, "whole answer"},
      {"Dify's plugin towards the gateway", vectors ? "fixed" : "MAX_REQUEST_TIMEOUT (at the plugin daemon)",
       vectors ? Duration{60s} : Duration{300s}, "silence"},
      {"intragate towards the model", gateway.key + ".first_byte", gateway.first_byte, "first byte"},
      {"intragate towards the model", gateway.key + ".between_chunks", gateway.between_chunks, "silence"},
      {"intragate towards the model", gateway.key + ".total", gateway.total, "whole answer"},
  };
}

std::string first_to_fire(const std::vector<Rung>& rungs) {
  const auto shortest = [&rungs](const std::string& of, const std::string& or_of) {
    const Rung* found = nullptr;
    for (const Rung& rung : rungs) {
      if (rung.of != of && rung.of != or_of) continue;
      if (found == nullptr || rung.limit < found->limit) found = &rung;
    }
    return found;
  };
  const Rung* silent = shortest("first byte", "silence");
  const Rung* long_answer = shortest("whole answer", "whole answer");
  const auto seconds = [](const Rung* rung) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(rung->limit).count()) + " s";
  };
  return "While the model says nothing, " + silent->who + " gives up first (" + seconds(silent) + ", " +
         silent->setting + "); of an answer that goes on, " + long_answer->who + " (" + seconds(long_answer) + ", " +
         long_answer->setting + ").";
}

}  // namespace intragate::check
