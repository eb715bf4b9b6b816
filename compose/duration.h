#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace berth::compose {

/// "1m30s", "1.5s", "1w2d3h4m5s6ms7us8ns", "0": numbers with a unit each, no spaces. Nothing for anything else ("30":
/// the unit is missing), for negative ones, and where the result does not fit.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

}  // namespace berth::compose
