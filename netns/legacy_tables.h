#pragma once

#include <cstdint>

namespace berth::netns {

/// Do the rules of iptables-legacy, which nf_tables knows nothing of, drop forwarded IPv4 packets by their policy, with
/// no rule among them that accepts packets with this bit in their mark? For the network namespace of the calling
/// thread. Never makes the kernel set such tables up.
[[nodiscard]] bool legacy_tables_drop_forwarded(uint32_t mark);

}  // namespace berth::netns
