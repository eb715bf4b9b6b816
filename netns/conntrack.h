#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace berth::netns {

/// Forgets UDP flows whose original destination is one of these host ports, so that a client that keeps sending reaches
/// the new container at once and not the address that is gone. Ok where the kernel has no connection tracking.
[[nodiscard]] Status forget_udp_flows(const std::vector<uint16_t>& host_ports);

}  // namespace berth::netns
