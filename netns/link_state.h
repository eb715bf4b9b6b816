#pragma once

#include <string>

#include "netns/netlink.h"

namespace berth::netns {

/// The index of an interface in the socket's namespace. `socket` is a route socket here and below.
[[nodiscard]] Result<uint32_t> link_index(NetlinkSocket& socket, const std::string& interface);

/// Whether an interface of this thread's namespace is there and has been set up, the last step of making one.
[[nodiscard]] bool is_up(const std::string& interface);

/// Waits until the interface really sends what it is given: its own side of the cable being plugged in is not enough.
/// The kernel takes note of a new carrier later, in a worker, and until then drops every packet without a word; an ARP
/// request that is lost so costs whoever sent it a second. Returns at once for an interface that is down, and after a
/// second in any case: an interface without a carrier is no error here.
[[nodiscard]] Status wait_until_sending(NetlinkSocket& socket, const std::string& interface);

/// Waits until no IPv6 address of an interface of this thread's namespace is tentative. Also without duplicate address
/// detection it is, until a worker of the kernel has looked at it. Gives up after two seconds.
void wait_until_usable(const std::string& interface);

}  // namespace berth::netns
