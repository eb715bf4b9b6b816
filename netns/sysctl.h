#pragma once

#include <string>

#include "base/result.h"

namespace berth::netns {

/// Writes /proc/sys/net/<family>/conf/<interface>/<key> of the calling thread's network namespace. `interface` may be
/// "default" or "all". Ok if the file is missing: a kernel without IPv6 needs none of its switches.
[[nodiscard]] Status write_interface_sysctl(const std::string& family, const std::string& interface,
                                            const std::string& key, const std::string& value);

/// Writes /proc/sys/net/<path>; Ok if missing.
[[nodiscard]] Status write_net_sysctl(const std::string& path, const std::string& value);

/// Switches net.ipv4.ip_forward on if it is off. Nobody switches it back: others may have come to need it.
[[nodiscard]] Status enable_forwarding();

}  // namespace berth::netns
