#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "netns/spec.h"
#include "sys/fd.h"
#include "sys/netns.h"

namespace berth::netns {

// The host side of everything here is the network namespace of the calling thread (the host's for root, the user's own
// later). All functions are thread-safe: each opens its own netlink socket and shares nothing.

/// Creates the bridge with its MAC, address and MTU, and sets it up. Ok if it is there already, also half made:
/// everything is applied again. Without an IPv6 block, IPv6 is switched off on it. `owner` becomes its alias, by which
/// it is known where nothing else tells whose it is.
[[nodiscard]] Status create_bridge(const NetworkSpec& network, const std::string& owner = {});

/// Deletes the bridge; Ok if already gone. Interfaces enslaved to it are released by the kernel, not deleted.
[[nodiscard]] Status remove_bridge(const std::string& bridge);

/// What create_sandbox() makes.
struct SandboxSpec {
  std::vector<EndpointSpec> endpoints;  // none for `network_mode: none`
  bool dns = true;                      // listen at 127.0.0.11 (nobody does in `none`)
};

/// How a container reaches its DNS sockets.
enum class DnsDoor : uint8_t {
  none,
  nat,     // port 53 is translated to a random port, so that the container may run its own server on port 53
  direct,  // the kernel has no nftables NAT: 127.0.0.11:53 itself is bound
};

/// A container's network, made before the container. The kernel frees links and rules with the namespace, that is when
/// the last process in it and the last of these descriptors are gone.
struct Sandbox {
  sys::Netns netns;
  sys::UniqueFd dns_udp;  // bound, non-blocking; invalid without dns
  sys::UniqueFd dns_tcp;  // listening, non-blocking
  DnsDoor door = DnsDoor::none;
};

/// A new namespace with lo up, every endpoint connected to its bridge, addresses, default route, the sysctls that
/// containers expect (any port may be bound, ping sockets for all groups, IPv6 only where an endpoint has an address of
/// it), and the DNS sockets: one call per
/// container, safe from any worker thread. A leftover endpoint of the same container is replaced. On error nothing
/// remains.
[[nodiscard]] Result<Sandbox> create_sandbox(const SandboxSpec& spec);

/// What changes on a running container's interfaces (`network connect`, `disconnect`), in this order.
struct Rewiring {
  std::vector<std::string> host_links;  // to be deleted on the host, with their other sides
  std::vector<std::string> links;       // to be deleted in the container
  std::vector<EndpointSpec> connect;    // leftovers of a crash are replaced
  std::vector<EndpointSpec> routes;     // the default routes go by their gateways
};
/// Whatever of it is done or gone already is no error.
[[nodiscard]] Status rewire(sys::FdRef container_netns, const Rewiring& changes);

/// Deletes many interfaces of the host at the cost of one (`down`: endpoints by host_interface_name(), and bridges);
/// those already gone are passed over. The kernel also frees endpoints with their namespace, but some time later.
[[nodiscard]] Status remove_links(const std::vector<std::string>& names);

/// An interface of the host whose name says that berth made it ("br-" + 12 hex of kind bridge, "bv" + 12 hex of kind
/// veth), or whose alias does.
struct ObservedLink {
  std::string name;
  std::string kind;
  std::string alias;  // "berth_<tag>": made by that state root; Docker's bridges have the same names
  int index = 0;
  int master = 0;  // index of the bridge, 0 = none
  bool up = false;
};
/// Sorted by name. Interfaces of every root are listed: the caller knows its own bridges, and by `master` their
/// endpoints.
[[nodiscard]] Result<std::vector<ObservedLink>> observe_links();

}  // namespace berth::netns
