#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include <cerrno>

#include "netns/dns_door.h"
#include "netns/link_address.h"
#include "netns/link_state.h"
#include "netns/links.h"
#include "netns/netlink.h"
#include "netns/parent_link.h"
#include "netns/sysctl.h"
#include "sys/file.h"
#include "sys/own_thread.h"

namespace berth::netns {
namespace {

// How this works: a short-lived thread opens a netlink socket on the host's side, leaves for a new namespace, and opens
// another one there. The veth is made from inside with its peer put onto the host, so three batches do it all:
//
//   inside   lo up; one veth per endpoint, up, with name, MAC and MTU; its peer goes to the host by name
//   inside   address and default route of each endpoint (they need the index that the kernel chose)
//   host     enslave each peer to its bridge and set it up; hairpin on. Without a bridge: address and route
//
// The interface of a macvlan or an ipvlan has no other side, and is made from the host (parent_link.h).
//
// A bridge port that comes up forwards at once (no spanning tree), but the kernel has to notice first that it came up,
// and that the bridge has a port now. That is waited for, so the container may talk when this returns.

std::string host_name(const EndpointSpec& endpoint) {
  return host_interface_name(endpoint.container_id, endpoint.network_id);
}

/// No link-local IPv6 address on the host's side. In a message of its own before the interface is set up: one message
/// that does both sets it up first, and the address is there.
void no_ipv6_addresses(NetlinkBatch& batch, const std::string& name) {
  const int kernel_without_ipv6 = EAFNOSUPPORT;
  batch.begin(RTM_SETLINK, 0, "switch off IPv6 addresses of " + name, kernel_without_ipv6);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, name);
  batch.flag_nested(IFLA_AF_SPEC, [&] {
    batch.flag_nested(AF_INET6, [&] { batch.u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE); });
  });
}

/// A veth has a queue for each CPU and uses one, unless somebody asks for a number. To give the others up, the kernel
/// waits for an RCU grace period with its lock on all networks held.
void one_queue(NetlinkBatch& batch) {
  batch.u32(IFLA_NUM_TX_QUEUES, 1);
  batch.u32(IFLA_NUM_RX_QUEUES, 1);
}

void add_veth(NetlinkBatch& batch, const EndpointSpec& endpoint, sys::FdRef host) {
  batch.begin(RTM_NEWLINK, kCreate,
              fmt::format("create {} with {} on the host", endpoint.interface, host_name(endpoint)));
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  batch.text(IFLA_IFNAME, endpoint.interface);
  batch.attribute(IFLA_ADDRESS, endpoint.mac.value_or(Mac::of(endpoint.addresses.front().address)).bytes.data(), 6);
  one_queue(batch);
  if (endpoint.mtu != 0) batch.u32(IFLA_MTU, static_cast<uint32_t>(endpoint.mtu));
  batch.nested(IFLA_LINKINFO, [&] {
    batch.text(IFLA_INFO_KIND, "veth");
    batch.nested(IFLA_INFO_DATA, [&] {
      batch.nested_after(VETH_INFO_PEER, ifinfomsg{.ifi_family = AF_UNSPEC}, [&] {
        batch.text(IFLA_IFNAME, host_name(endpoint));
        if (endpoint.mtu != 0) batch.u32(IFLA_MTU, static_cast<uint32_t>(endpoint.mtu));
        one_queue(batch);
        batch.u32(IFLA_NET_NS_FD, static_cast<uint32_t>(host.get()));
      });
    });
  });
}

/// A network that no gateway leads out of, but the interface itself (ipvlan on layer 3).
void add_default_route(NetlinkBatch& batch, bool v6, uint32_t index) {
  batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, "default route");
  batch.fixed(rtmsg{.rtm_family = static_cast<uint8_t>(v6 ? AF_INET6 : AF_INET),
                    .rtm_table = RT_TABLE_MAIN,
                    .rtm_protocol = RTPROT_BOOT,
                    .rtm_scope = static_cast<uint8_t>(v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK),
                    .rtm_type = RTN_UNICAST});
  batch.u32(RTA_OIF, index);
}

void add_default_route(NetlinkBatch& batch, const Address& gateway, uint32_t index) {
  batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, "default route through " + gateway.str());
  batch.fixed(rtmsg{.rtm_family = family_of(gateway),
                    .rtm_table = RT_TABLE_MAIN,
                    .rtm_protocol = RTPROT_BOOT,
                    .rtm_scope = RT_SCOPE_UNIVERSE,
                    .rtm_type = RTN_UNICAST});
  batch.address(RTA_GATEWAY, gateway);
  batch.u32(RTA_OIF, index);
}

void add_default_routes(NetlinkBatch& batch, const EndpointSpec& endpoint, uint32_t index) {
  for (const Address& gateway : endpoint.gateways) {
    if (endpoint.on_link)
      add_default_route(batch, gateway.v6, index);
    else
      add_default_route(batch, gateway, index);
  }
}

void set_lo_up(NetlinkBatch& batch) {
  batch.begin(RTM_SETLINK, 0, "set lo up");
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC, .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
}

/// EEXIST if the host has a route to this address: somebody else has taken it.
void add_route_to(NetlinkBatch& batch, const Address& address, uint32_t index) {
  batch.begin(RTM_NEWROUTE, kCreate, "route to " + address.str());
  batch.fixed(rtmsg{.rtm_family = family_of(address),
                    .rtm_dst_len = static_cast<uint8_t>(address.width()),
                    .rtm_table = RT_TABLE_MAIN,
                    .rtm_protocol = RTPROT_BOOT,
                    .rtm_scope = RT_SCOPE_LINK,
                    .rtm_type = RTN_UNICAST});
  batch.address(RTA_DST, address);
  batch.u32(RTA_OIF, index);
}

void enslave(NetlinkBatch& batch, const EndpointSpec& endpoint, unsigned bridge) {
  const std::string name = host_name(endpoint);
  no_ipv6_addresses(batch, name);
  batch.begin(RTM_SETLINK, 0, fmt::format("enslave {} to bridge {}", name, endpoint.bridge));
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  batch.text(IFLA_IFNAME, name);
  batch.u32(IFLA_MASTER, bridge);
  // Hairpin: a container may reach itself through its own published port.
  batch.begin(RTM_NEWLINK, 0, "set hairpin mode of " + name);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, name);
  batch.nested(IFLA_LINKINFO, [&] {
    batch.text(IFLA_INFO_SLAVE_KIND, "bridge");
    batch.nested(IFLA_INFO_SLAVE_DATA, [&] {
      batch.u8(IFLA_BRPORT_MODE, 1);
      if (!endpoint.icc) batch.u8(IFLA_BRPORT_ISOLATED, 1);
    });
  });
}

/// Both sides of one namespace boundary.
struct Sides {
  NetlinkSocket host;
  NetlinkSocket inside;
  sys::FdRef host_netns;
  sys::FdRef inside_netns;
};

bool has_pair(const EndpointSpec& endpoint) {
  return endpoint.driver == Driver::bridge;
}

/// Creates all interfaces and sets lo up. `uppers`: indices of bridges and parents on the host.
Status create_interfaces(Sides& sides, const std::vector<EndpointSpec>& endpoints,
                         const std::vector<unsigned>& uppers) {
  NetlinkBatch create, on_parents;
  set_lo_up(create);
  bool any_parent = false;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (has_pair(endpoints[i])) {
      add_veth(create, endpoints[i], sides.host_netns);
      continue;
    }
    add_parent_link(on_parents, endpoints[i], uppers[i], sides.inside_netns);
    any_parent = true;
  }
  BERTH_TRY_OK(sides.inside.run(create));
  if (!any_parent) return {};
  BERTH_TRY_OK(sides.host.run(on_parents));
  for (const EndpointSpec& endpoint : endpoints) {
    if (!has_pair(endpoint)) BERTH_TRY_OK(name_parent_link(sides.inside, endpoint));
  }
  return {};
}

void remove_leftover(NetlinkBatch& batch, const std::string& name) {
  batch.begin(RTM_DELLINK, 0, "remove leftover " + name, ENODEV);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, name);
}

/// What a crash has left: it holds the names on the host, and in a namespace that is there already those inside.
Status remove_leftovers(Sides& sides, const std::vector<EndpointSpec>& endpoints) {
  NetlinkBatch outside, inside;
  for (const EndpointSpec& endpoint : endpoints) {
    remove_leftover(outside, host_name(endpoint));
    remove_leftover(inside, endpoint.interface);
    remove_leftover(inside, host_name(endpoint));
  }
  BERTH_TRY_OK(sides.host.run(outside));
  return sides.inside.run(inside);
}

Status add_addresses(Sides& sides, const std::vector<EndpointSpec>& endpoints) {
  NetlinkBatch batch;
  for (const EndpointSpec& endpoint : endpoints) {
    const unsigned index = if_nametoindex(endpoint.interface.c_str());
    if (index == 0) return sys_error("find " + endpoint.interface, errno);
    if (endpoint.has_ipv6()) BERTH_TRY_OK(set_ipv6_sysctls(endpoint.interface, true));
    for (const InterfaceAddress& address : endpoint.addresses) add_address(batch, address, endpoint.interface, index);
    add_default_routes(batch, endpoint, index);
  }
  BERTH_TRY_OK(sides.inside.run(batch));
  for (const EndpointSpec& endpoint : endpoints) {
    for (const auto& [key, value] : endpoint.sysctls) BERTH_TRY_OK(sys::write_existing("/proc/sys/net/" + key, value));
  }
  return {};
}

Status route_through(Sides& sides, const EndpointSpec& endpoint) {
  const unsigned index = if_nametoindex(endpoint.interface.c_str());
  if (index == 0) return {};  // the container has renamed it: its routes are its own business
  NetlinkBatch batch;
  add_default_routes(batch, endpoint, index);
  return sides.inside.run(batch);
}

/// The indices of bridges and parents, looked up on the host's side before this thread leaves it.
Result<std::vector<unsigned>> upper_indices(const std::vector<EndpointSpec>& endpoints) {
  std::vector<unsigned> indices;
  for (const EndpointSpec& endpoint : endpoints) {
    const std::string& name = has_pair(endpoint) ? endpoint.bridge : endpoint.parent.interface;
    indices.push_back(name.empty() ? 0 : if_nametoindex(name.c_str()));
    if (indices.back() == 0 && !name.empty()) return sys_error("find interface " + name, errno);
  }
  return indices;
}

Status connect_without_bridge(NetlinkSocket& host, const EndpointSpec& endpoint) {
  const std::string name = host_name(endpoint);
  NetlinkBatch up;
  no_ipv6_addresses(up, name);
  up.begin(RTM_SETLINK, 0, fmt::format("set {} up", name));
  up.fixed(ifinfomsg{.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  up.text(IFLA_IFNAME, name);
  BERTH_TRY_OK(host.run(up));
  BERTH_TRY(const uint32_t index, link_index(host, name));
  NetlinkBatch batch;
  for (const InterfaceAddress& entry : endpoint.addresses) add_route_to(batch, entry.address, index);
  for (const Address& gateway : endpoint.gateways) add_address(batch, {gateway, gateway.width()}, name, index);
  return host.run(batch);
}

Status connect_all(Sides& sides, const std::vector<EndpointSpec>& endpoints, const std::vector<unsigned>& bridges) {
  NetlinkBatch batch;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (!has_pair(endpoints[i])) continue;
    if (bridges[i] != 0)
      enslave(batch, endpoints[i], bridges[i]);
    else
      BERTH_TRY_OK(connect_without_bridge(sides.host, endpoints[i]));
  }
  return sides.host.run(batch);
}

Status wait_until_all_send(Sides& sides, const std::vector<EndpointSpec>& endpoints) {
  for (const EndpointSpec& endpoint : endpoints) {
    if (!has_pair(endpoint)) continue;  // a parent without a carrier may never get one
    BERTH_TRY_OK(wait_until_sending(sides.host, host_name(endpoint)));
    if (!endpoint.bridge.empty()) BERTH_TRY_OK(wait_until_sending(sides.host, endpoint.bridge));
    BERTH_TRY_OK(wait_until_sending(sides.inside, endpoint.interface));
    if (endpoint.has_ipv6()) wait_until_usable(endpoint.interface);
  }
  return {};
}

Status connect(Sides& sides, const std::vector<EndpointSpec>& endpoints, const std::vector<unsigned>& uppers) {
  Status created = create_interfaces(sides, endpoints, uppers);
  if (!created.ok() && created.error().code == EEXIST) {
    BERTH_TRY_OK(remove_leftovers(sides, endpoints));
    created = create_interfaces(sides, endpoints, uppers);
  }
  BERTH_TRY_OK(std::move(created));
  if (endpoints.empty()) return {};
  BERTH_TRY_OK(add_addresses(sides, endpoints));
  BERTH_TRY_OK(connect_all(sides, endpoints, uppers));
  return wait_until_all_send(sides, endpoints);
}

Status apply_sysctls() {
  // As Docker: any port without CAP_NET_BIND_SERVICE, and ping without CAP_NET_RAW.
  BERTH_TRY_OK(write_net_sysctl("ipv4/ip_unprivileged_port_start", "0"));
  BERTH_TRY_OK(write_net_sysctl("ipv4/ping_group_range", "0 2147483647"));
  // Interfaces to come have no IPv6, not even link-local, unless they are given an address of it (CVE-2024-32473); lo
  // was there before and keeps ::1.
  return write_interface_sysctl("ipv6", "default", "disable_ipv6", "1");
}

/// Runs on a thread of its own, which leaves the host's namespace for good.
Result<Sandbox> build(const SandboxSpec& spec) {
  BERTH_TRY(const sys::Netns host, sys::Netns::current());
  BERTH_TRY(const auto uppers, upper_indices(spec.endpoints));
  BERTH_TRY(NetlinkSocket host_socket, NetlinkSocket::open(NETLINK_ROUTE));
  if (unshare(CLONE_NEWNET) != 0) return sys_error("unshare network namespace", errno);
  Sandbox sandbox;
  BERTH_TRY(sandbox.netns, sys::Netns::current());
  BERTH_TRY_OK(apply_sysctls());
  BERTH_TRY(NetlinkSocket inside_socket, NetlinkSocket::open(NETLINK_ROUTE));
  Sides sides{std::move(host_socket), std::move(inside_socket), host.fd(), sandbox.netns.fd()};
  BERTH_TRY_OK(connect(sides, spec.endpoints, uppers));
  if (!spec.dns) return sandbox;
  BERTH_TRY(DnsSockets dns, open_dns_door());
  sandbox.dns_udp = std::move(dns.udp);
  sandbox.dns_tcp = std::move(dns.tcp);
  sandbox.door = dns.door;
  return sandbox;
}

Status rewire_existing(sys::FdRef container_netns, const Rewiring& changes) {
  const std::vector<EndpointSpec>& endpoints = changes.connect;
  BERTH_TRY(const sys::Netns host, sys::Netns::current());
  BERTH_TRY(const auto uppers, upper_indices(endpoints));
  BERTH_TRY(NetlinkSocket host_socket, NetlinkSocket::open(NETLINK_ROUTE));
  if (setns(container_netns.get(), CLONE_NEWNET) != 0) return sys_error("enter network namespace of container", errno);
  BERTH_TRY(NetlinkSocket inside_socket, NetlinkSocket::open(NETLINK_ROUTE));
  Sides sides{std::move(host_socket), std::move(inside_socket), host.fd(), container_netns};
  NetlinkBatch remove;
  for (const std::string& name : changes.links) remove_leftover(remove, name);
  if (!changes.links.empty()) BERTH_TRY_OK(sides.inside.run(remove));
  if (!endpoints.empty()) BERTH_TRY_OK(connect(sides, endpoints, uppers));
  for (const EndpointSpec& endpoint : changes.routes) BERTH_TRY_OK(route_through(sides, endpoint));
  return {};
}

}  // namespace

Result<Sandbox> create_sandbox(const SandboxSpec& spec) {
  return sys::on_own_thread([&] { return build(spec); });
}

Status rewire(sys::FdRef container_netns, const Rewiring& changes) {
  BERTH_TRY_OK(remove_links(changes.host_links));
  return sys::on_own_thread([&] { return rewire_existing(container_netns, changes); });
}

}  // namespace berth::netns
