#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace berth::sys {

/// The number of "SIGTERM", "term", "15", "RTMIN+3", "RTMAX-1"; nothing if it is none.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text);

/// "SIGTERM" for 15; "signal 99" for a number without a name.
[[nodiscard]] std::string signal_name(int signal);

/// Whether a signal that comes from outside of a container is lost on this process, as it is now: it is the first one
/// of a pid namespace, which the kernel spares the default action, and neither handles the signal nor waits for it; or
/// any process that ignores it. False where that is not known for sure.
[[nodiscard]] bool drops_signal(pid_t pid, int signal);

}  // namespace berth::sys
