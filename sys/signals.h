#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::sys {

/// The number of "SIGTERM", "term", "15", "RTMIN+3", "RTMAX-1"; nothing if it is none.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text);

/// "SIGTERM" for 15; "signal 99" for a number without a name.
[[nodiscard]] std::string signal_name(int signal);

}  // namespace berth::sys
