#pragma once

#include "base/result.h"
#include "engine/config.h"
#include "netns/ipam.h"

namespace berth::engine {

/// What is asked for, in the words of netns/ipam.h. Error: an address that is none; it names the key.
[[nodiscard]] Result<netns::AddressRequest> address_request(const IpamConfig& config);

/// IPv6? Told by whatever is written in it.
[[nodiscard]] bool is_ipv6(const IpamConfig& config);

}  // namespace berth::engine
