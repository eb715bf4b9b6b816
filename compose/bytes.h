#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::compose {

/// A size: digits, or `<decimal>[ ]<k|m|g|t|p>[i][b]` in any case, always by 1024 ("1kb" = 1024, "1.5g").
/// Nothing for anything else, for negative numbers other than -1, and where the result does not fit.
[[nodiscard]] std::optional<int64_t> parse_bytes(std::string_view text);

}  // namespace berth::compose
