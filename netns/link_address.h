#pragma once

#include <cstdint>
#include <string>

#include "netns/netlink.h"
#include "netns/spec.h"

namespace berth::netns {

/// AF_INET or AF_INET6.
[[nodiscard]] uint8_t family_of(const Address& address);

/// Appends to `batch`: an address for an interface, good at once because nobody is asked whether they have it. Ok if it
/// is there.
void add_address(NetlinkBatch& batch, const InterfaceAddress& entry, const std::string& interface, uint32_t index);

}  // namespace berth::netns
