#pragma once

// Interfaces of containers that are made on one of the host's (macvlan, ipvlan): no bridge, no address of the host's,
// and no way between the host and the containers, which the kernel keeps apart.

#include <string>

#include "base/result.h"
#include "netns/netlink.h"
#include "netns/spec.h"
#include "sys/fd.h"

namespace berth::netns {

/// What stands for the parent where the user names none: "dm-" (macvlan) or "di-" and the first 12 digits of the id.
[[nodiscard]] std::string dummy_name(Driver driver, const std::string& network_id);

/// One that takes its parent over as a whole.
[[nodiscard]] bool is_passthru(const NetworkSpec& network);

/// True where no gateway leads out, but the interface itself: ipvlan on layer 3.
[[nodiscard]] bool routes_by_interface(const NetworkSpec& network);

/// Makes the parent where that is ours to make: a VLAN of another interface ("eth0.50"), or the dummy; sets it up. Any
/// other must be there. Errors: it is not (with the nearest name), it is lo, the kernel does not have the driver, or
/// has no VLANs or dummies.
[[nodiscard]] Status create_parent(const NetworkSpec& network, const std::string& owner = {});

/// Adds the endpoint's interface in the namespace `inside` (invalid: on the host), down and called as its other side on
/// the host would be. The batch is for a socket of the host's side, where `parent` is the parent's index.
void add_parent_link(NetlinkBatch& batch, const EndpointSpec& endpoint, unsigned parent, sys::FdRef inside);

/// Gives it its name and sets it up. Requires: the calling thread is inside.
[[nodiscard]] Status name_parent_link(NetlinkSocket& inside, const EndpointSpec& endpoint);

}  // namespace berth::netns
