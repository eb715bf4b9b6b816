#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "netns/spec.h"

namespace berth::netns {

/// Where networks without an explicit subnet come from: blocks of 2^(32-size) addresses cut out of `base`.
struct Pool {
  Subnet base;
  int size = 24;
};

/// /22 blocks of 172.16.0.0/12 from 172.18.0.0 on (Docker's own bridge has 172.17): as many addresses as a bridge has
/// ports, 1023. Then /24 blocks of 192.168.0.0/16. About 1250 networks.
[[nodiscard]] std::vector<Pool> default_pools();

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
  std::optional<Ipv4> gateway;
  std::optional<Subnet> ip_range;
  std::vector<std::pair<std::string, Ipv4>> aux;
};

/// What a network gets; the fields go into a NetworkSpec as they are.
struct AddressPlan {
  Subnet subnet;
  Ipv4 gateway;
  std::optional<Subnet> ip_range;
  std::vector<std::pair<std::string, Ipv4>> aux;
};

/// Chooses or checks. Pure: the caller holds whatever lock keeps two projects from choosing the same block.
/// An explicit subnet must not overlap another network or an address of the host; overlapping a mere route is allowed,
/// because a bridge inside a VPN's 10.0.0.0/8 is something people do on purpose. A chosen one avoids all of `occupied`.
/// Errors: overlap (names the other side), pools used up, gateway/range/aux outside the subnet, prefix longer than /30.
[[nodiscard]] Result<AddressPlan> plan_addresses(const AddressRequest& request, const std::vector<Pool>& pools,
                                                 const std::vector<Occupied>& occupied);

/// The next free container address after `last_given` (wrapping), so that an address just released is not given to a
/// stranger while peers still remember it. Error: no free address in the range.
[[nodiscard]] Result<Ipv4> choose_address(const NetworkSpec& network, const std::vector<Ipv4>& in_use,
                                          std::optional<Ipv4> last_given);

/// An address that the user asked for (`ipv4_address`). Errors: outside the subnet, reserved (network, broadcast,
/// gateway, aux), in use.
[[nodiscard]] Status check_address(const NetworkSpec& network, Ipv4 wanted, const std::vector<Ipv4>& in_use);

}  // namespace berth::netns
