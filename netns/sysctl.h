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

/// IPv6 on an interface of ours: off, or on without what could change or delay what we give it (advertisements of
/// routers, which a container can send as well as a router; detection of duplicates). To be called before it has
/// addresses.
[[nodiscard]] Status set_ipv6_sysctls(const std::string& interface, bool enabled);

/// Switches net.ipv4.ip_forward on if it is off. Nobody switches it back: others may have come to need it.
[[nodiscard]] Status enable_ipv4_forwarding();

/// The same for IPv6. A host that forwards no longer listens to routers, unless told to: interfaces that did are told,
/// so that the host keeps the routes it has learnt from them.
[[nodiscard]] Status enable_ipv6_forwarding();

}  // namespace berth::netns
