#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace berth {

/// Lengths of time everywhere are nanoseconds in this type, as in Go's and so in compose's durations.
using Duration = std::chrono::nanoseconds;

inline constexpr int64_t kSecondNs = 1'000'000'000;

/// Nanoseconds since 1970 by the wall clock: for display and log stamps only, never for timeouts.
[[nodiscard]] int64_t wall_clock_ns();

/// "2026-11-21T08:15:30.123456789Z"; trailing zeros of the fraction are kept (RFC 3339, Docker's log form).
[[nodiscard]] std::string format_rfc3339(int64_t wall_ns);

/// Go's form: "1m30s", "1.5s", "300ms", "0s".
[[nodiscard]] std::string format_duration(Duration duration);

/// Docker's rough age: "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks".
[[nodiscard]] std::string human_duration(Duration duration);

}  // namespace berth
