#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::cli {

/// Nanoseconds since 1970 of an RFC 3339 time: "2026-11-21T08:15:30.5Z", "2026-11-21T08:15:30+01:00". Nothing if it is
/// none. Image configs carry such times.
[[nodiscard]] std::optional<int64_t> parse_rfc3339(std::string_view text);

/// What Docker takes for a moment: RFC 3339, a date or date and time without zone (local time), seconds since 1970, or
/// a duration ("24h") that counts back from `now_ns`.
[[nodiscard]] std::optional<int64_t> parse_moment(const std::string& text, int64_t now_ns);
/// The same for the value of a command line's flag, counted from this moment.
[[nodiscard]] Result<int64_t> moment_of(const char* flag, const std::string& text);

/// "2 hours ago"; "N/A" for what is no time.
[[nodiscard]] std::string time_ago(std::string_view rfc3339, int64_t now_ns);

}  // namespace berth::cli
