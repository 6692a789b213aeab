// Base64 with padding. Rule: RFC 4648 section 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace intragate {

[[nodiscard]] std::string base64(std::string_view bytes);

// Nothing for what is no base64: other characters, white space among them, a length that is no multiple of four,
// padding elsewhere than at the end.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace intragate
