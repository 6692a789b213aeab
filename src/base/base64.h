// Base64 with padding. Rule: RFC 4648 section 4.
#pragma once

#include <string>
#include <string_view>

namespace intragate {

[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace intragate
