#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netns/netlink.h"

namespace berth::netns {

// A rule of ours that accepts ends only our own chains: what another firewall drops is dropped. So what our table has
// accepted carries a mark from there to the end of the forward hook, and in the chains of managers that many hosts have
// stands one rule that accepts what has the mark: iptables-nft's FORWARD (ufw's and Docker's, too) and firewalld's.
// Nothing is said there of networks or ports, so it never has to change. Where we cannot or should not write, the
// administrator is told which rule would do it.

/// The bit in a packet's mark. Between our chains of the forward hook only.
inline constexpr uint32_t kAcceptedMark = 0x01000000;

/// Does the rule stand in this chain, where the chain exists?
[[nodiscard]] bool has_way_through(uint8_t family, std::string_view table, std::string_view chain);

/// Adds the rule where it is missing, in the network namespace of the socket (of NETLINK_NETFILTER), and returns what
/// stays in the way: who drops, and as a hint the command that lets us through. `comment` tells our rule from those of
/// other state roots. Keep the socket: closing one waits until the kernel has freed what transactions deleted.
[[nodiscard]] Result<std::vector<Error>> open_ways_through(NetlinkSocket& socket, const std::string& comment);
/// Takes all rules with the comment away; Ok if there are none.
[[nodiscard]] Status close_ways_through(NetlinkSocket& socket, const std::string& comment);

}  // namespace berth::netns
