#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/state.h"
#include "netns/ipam.h"

namespace berth::supervise {

/// From what is asked for to what will be made: addresses are chosen where the file names none, and checked against
/// `others` (the networks there are) and the host. `seed` is unique to this root and machine. Errors name the network
/// and, where an address is the reason, its place in the file.
[[nodiscard]] Result<netns::NetworkSpec> plan_network(const engine::NetworkConfig& config, const std::string& id,
                                                      const std::vector<netns::NetworkSpec>& others,
                                                      const std::string& seed);

/// What a network's record says of its addresses.
[[nodiscard]] std::vector<engine::IpamConfig> recorded(const netns::NetworkSpec& network);

/// The network as it was made. Nothing if the record is torn.
[[nodiscard]] std::optional<netns::NetworkSpec> spec_of(const engine::NetworkRecord& record);

}  // namespace berth::supervise
