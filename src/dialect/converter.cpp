#include "dialect/converter.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "dialect/ollama.h"
#include "dialect/template.h"
#include "dialect/tgi.h"
#include "dialect/triton.h"
#include "dialect/triton_grpc.h"

namespace intragate::dialect {
namespace {

using Made = Result<std::unique_ptr<const Converter>>;

Made pass_on(const config::Endpoint& /*endpoint*/) {
  return std::unique_ptr<const Converter>{};
}

constexpr std::array<Row, 6> kDialects{{
    {"openai", pass_on, "/models"},
    {"ollama", make_ollama, "/api/tags"},
    {"tgi", make_tgi, "/info"},
    {"triton", make_triton, "/v2/health/ready"},
    {config::kTritonGrpc, make_triton_grpc, "/inference.GRPCInferenceService/ServerReady"},
    {"template", make_template, "/"},
}};

}  // namespace

const Row& dialect_row(std::string_view name) {
  const auto* row = std::find_if(kDialects.begin(), kDialects.end(), [&](const Row& r) { return r.name == name; });
  assert(row != kDialects.end());
  return row == kDialects.end() ? kDialects.front() : *row;
}

}  // namespace intragate::dialect
