#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "netns/spec.h"

namespace berth::netns {

/// Where networks without an explicit subnet come from: blocks with a prefix of `size` bits, cut out of `base`.
struct Pool {
  Subnet base;
  int size = 24;
  bool operator==(const Pool&) const = default;
};

/// /22 blocks of 172.16.0.0/12 from 172.18.0.0 on (Docker's own bridge has 172.17): as many addresses as a bridge has
/// ports, 1023. Then /24 blocks of 192.168.0.0/16. About 1250 networks.
[[nodiscard]] std::vector<Pool> default_pools();

/// /64 blocks of a unique local prefix (RFC 4193) that always is the same for the same `seed`: 65536 networks.
[[nodiscard]] Pool unique_local_pool(std::string_view seed);

/// An address block that is in use, and by whom, for error messages.
struct Occupied {
  enum class Kind { network, host_address, host_route, nameserver };
  Subnet subnet;
  Kind kind = Kind::network;
  std::string by;  // "network shop_default", "address of eth0", "route through wg0", "nameserver 10.0.0.53"
};

/// What the host uses in the calling thread's network namespace: addresses, routes of all tables (default routes,
/// broadcast, multicast and loopback left out) and the nameservers of /etc/resolv.conf.
/// Bridges named in `own_bridges` are left out: their networks are listed by the caller, by name.
[[nodiscard]] Result<std::vector<Occupied>> observe_host_prefixes(const std::vector<std::string>& own_bridges = {});

/// What the user asked for under `ipam:`; all of it optional.
struct AddressRequest {
  std::optional<Subnet> subnet;
  std::optional<Address> gateway;
  std::optional<Subnet> ip_range;
  std::vector<std::pair<std::string, Address>> aux;
};

/// Chooses a block from the pools, or checks the subnet that was asked for. Pure: the caller holds whatever lock keeps
/// two projects from choosing the same block. An explicit subnet must not overlap another network or an address of the
/// host; overlapping a mere route is allowed, because a bridge inside a VPN's 10.0.0.0/8 is something people do on
/// purpose. A chosen one avoids all of `occupied`. Errors: overlap (names the other side), pools used up,
/// gateway/range/aux outside the subnet, a subnet with room for less than two containers.
[[nodiscard]] Result<AddressBlock> plan_addresses(const AddressRequest& request, const std::vector<Pool>& pools,
                                                  const std::vector<Occupied>& occupied);

/// The next free container address after `last_given` (wrapping), so that an address just released is not given to a
/// stranger while peers still remember it. Error: no free address in the range.
[[nodiscard]] Result<Address> choose_address(const AddressBlock& block, const std::vector<Address>& in_use,
                                             const std::optional<Address>& last_given);

/// An address that the user asked for (`ipv4_address`, `ipv6_address`). Errors: outside the subnet, reserved (network,
/// broadcast, gateway, aux), in use.
[[nodiscard]] Status check_address(const AddressBlock& block, const Address& wanted,
                                   const std::vector<Address>& in_use);

}  // namespace berth::netns
