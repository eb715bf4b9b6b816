#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netns/ipam.h"

namespace berth::supervise {

/// Where networks without a subnet of their own get one from.
struct AddressPools {
  std::vector<netns::Pool> ipv4, ipv6;
};

/// The pools of a networks.conf (docs/networks.md): [[address_pool]] with base and size. A family of which it has none
/// gets netns::default_pools() or netns::unique_local_pool(seed). Error: the first mistake, with file, line and column.
[[nodiscard]] Result<AddressPools> parse_address_pools(std::string_view text, const std::string& name,
                                                       const std::string& seed);

/// Of this machine: /etc/berth/networks.conf, or what $BERTH_NETWORKS_CONF names. The first need not exist.
[[nodiscard]] Result<AddressPools> load_address_pools(const std::string& seed);

}  // namespace berth::supervise
