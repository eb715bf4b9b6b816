#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "netns/spec.h"

namespace berth::netns {

struct HostPort {
  Protocol protocol;
  uint16_t number;
  bool operator==(const HostPort&) const = default;
};

/// Forgets flows whose original destination is one of these, in both families, so that a client that keeps sending
/// reaches the new container at once and not the address that is gone. Ok where the kernel has no connection tracking.
[[nodiscard]] Status forget_flows(const std::vector<HostPort>& ports);

}  // namespace berth::netns
