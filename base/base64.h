#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// RFC 4648, section 4, with padding.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// Nothing if it is not base64. Missing padding is forgiven.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace berth
