#include "dialect/front.h"

#include "base/error_table.h"
#include "dialect/messages.h"
#include "dialect/responses.h"

namespace intragate::dialect {

Told told(const Error& error) {
  const ErrorRow& row = error_row(error.code);
  return {.status = row.status, .type = row.type, .code = row.name, .message = error.message};
}

std::unique_ptr<Front> front_of(llm::Api api) {
  switch (api) {
    case llm::Api::messages:
    case llm::Api::count_tokens: return messages::make_front();
    case llm::Api::responses: return responses::make_front();
    default: return nullptr;
  }
}

}  // namespace intragate::dialect
