#include "netns/parent_link.h"

#include <net/if.h>
#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "netns/links.h"

namespace berth::netns {
namespace {

constexpr unsigned long long kLastVlan = 4094;

std::vector<std::string> interfaces() {
  std::vector<std::string> names;
  std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> list(if_nameindex(), if_freenameindex);
  for (const struct if_nameindex* one = list.get(); one != nullptr && one->if_index != 0; ++one)
    names.emplace_back(one->if_name);
  return names;
}

/// An error by which the kernel says that it has no links of this kind.
Status name_missing_kind(Status made, const char* kind, const char* hint) {
  if (made.ok() || made.error().code != EOPNOTSUPP) return made;
  return make_error(fmt::format("this kernel has no {}", kind), hint);
}

Status add_vlan(NetlinkSocket& socket, const std::string& name, unsigned parent, uint16_t number) {
  NetlinkBatch batch;
  batch.begin(RTM_NEWLINK, kCreate, "create VLAN interface " + name, EEXIST);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, name);
  batch.u32(IFLA_LINK, parent);
  batch.nested(IFLA_LINKINFO, [&] {
    batch.text(IFLA_INFO_KIND, "vlan");
    batch.nested(IFLA_INFO_DATA, [&] { batch.attribute(IFLA_VLAN_ID, &number, sizeof number); });
  });
  return name_missing_kind(socket.run(batch), "VLAN interfaces (802.1q)", "modprobe 8021q may bring them");
}

Status add_dummy(NetlinkSocket& socket, const std::string& name) {
  NetlinkBatch batch;
  batch.begin(RTM_NEWLINK, kCreate, "create dummy interface " + name, EEXIST);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, name);
  batch.nested(IFLA_LINKINFO, [&] { batch.text(IFLA_INFO_KIND, "dummy"); });
  return name_missing_kind(socket.run(batch), "dummy interfaces",
                           "name an interface of the host: driver_opts: {parent: eth0}");
}

Error missing_parent(const std::string& name) {
  std::optional<std::string> near = nearest(name, interfaces());
  return make_error(fmt::format("there is no interface \"{}\" to be the parent", name),
                    near ? fmt::format("did you mean \"{}\"?", *near)
                         : "expected an interface of this host, or a VLAN of one like eth0.10");
}

/// "eth0.50" is made; another name cannot be.
Status create_vlan(NetlinkSocket& socket, const std::string& name) {
  const size_t dot = name.rfind('.');
  const auto number = dot == std::string::npos ? std::nullopt : parse_unsigned(name.substr(dot + 1));
  if (!number || *number < 1 || *number > kLastVlan) return missing_parent(name);
  const unsigned parent = if_nametoindex(name.substr(0, dot).c_str());
  if (parent == 0) return missing_parent(name.substr(0, dot));
  return add_vlan(socket, name, parent, static_cast<uint16_t>(*number));
}

/// Whether the kernel makes such an interface here shows only when it is asked to.
Status probe(NetlinkSocket& socket, const NetworkSpec& network, unsigned parent) {
  EndpointSpec endpoint;
  endpoint.driver = network.driver;
  endpoint.parent = network.parent;
  endpoint.container_id = "probe";
  endpoint.network_id = network.id;
  endpoint.mac = Mac::of(network.blocks.front().gateway);
  NetlinkBatch batch;
  add_parent_link(batch, endpoint, parent, sys::FdRef(-1));
  Status made = socket.run(batch);
  (void)remove_links(
      {host_interface_name(endpoint.container_id, network.id)});  // only an answer was wanted, and there may be nothing
  if (!made.ok() && made.error().code == EOPNOTSUPP)
    return make_error(fmt::format("this kernel has no {}", driver_name(network.driver)));
  if (!made.ok() && made.error().code == EBUSY) made.error().hint = "an interface is a parent for one driver only";
  return made;
}

Status set_up(NetlinkSocket& socket, unsigned index, const std::string& name, const std::string& owner) {
  NetlinkBatch batch;
  batch.begin(RTM_SETLINK, 0, fmt::format("set {} up", name));
  batch.fixed(ifinfomsg{
      .ifi_family = AF_UNSPEC, .ifi_index = static_cast<int>(index), .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  if (!owner.empty()) batch.text(IFLA_IFALIAS, owner);
  return socket.run(batch);
}

}  // namespace

std::string dummy_name(Driver driver, const std::string& network_id) {
  return (driver == Driver::macvlan ? "dm-" : "di-") + network_id.substr(0, 12);
}

bool is_passthru(const NetworkSpec& network) {
  return network.driver == Driver::macvlan && network.parent.mode == MACVLAN_MODE_PASSTHRU;
}

bool routes_by_interface(const NetworkSpec& network) {
  return network.driver == Driver::ipvlan && network.parent.mode != IPVLAN_MODE_L2;
}

Status create_parent(const NetworkSpec& network, const std::string& owner) {
  const std::string& name = network.parent.interface;
  if (name == "lo") return make_error("lo cannot be the parent: there is nothing behind it");
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
  const bool there = if_nametoindex(name.c_str()) != 0;
  const bool dummy = name == dummy_name(network.driver, network.id);
  if (!there) {
    BERTH_TRY_OK(dummy ? add_dummy(socket, name) : create_vlan(socket, name));
  }
  const unsigned index = if_nametoindex(name.c_str());
  if (!there || dummy) BERTH_TRY_OK(set_up(socket, index, name, owner));
  return is_passthru(network) ? Status() : probe(socket, network, index);
}

void add_parent_link(NetlinkBatch& batch, const EndpointSpec& endpoint, unsigned parent, sys::FdRef inside) {
  // Not under its name yet: before Linux 6.13 that must be free on the host, too, and there eth0 is not.
  batch.begin(RTM_NEWLINK, kCreate, fmt::format("create {} on {}", endpoint.interface, endpoint.parent.interface));
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, host_interface_name(endpoint.container_id, endpoint.network_id));
  batch.u32(IFLA_LINK, parent);
  if (inside.valid()) batch.u32(IFLA_NET_NS_FD, static_cast<uint32_t>(inside.get()));
  if (endpoint.mtu != 0) batch.u32(IFLA_MTU, static_cast<uint32_t>(endpoint.mtu));
  const bool macvlan = endpoint.driver == Driver::macvlan;
  // All of an ipvlan have the parent's address, as has the one of a passthru.
  if (macvlan && endpoint.parent.mode != MACVLAN_MODE_PASSTHRU)
    batch.attribute(IFLA_ADDRESS, endpoint.mac.value_or(Mac::of(endpoint.addresses.front().address)).bytes.data(), 6);
  batch.nested(IFLA_LINKINFO, [&] {
    batch.text(IFLA_INFO_KIND, driver_name(endpoint.driver));
    batch.nested(IFLA_INFO_DATA, [&] {
      const auto small = [&](uint16_t type, uint32_t value) {
        const auto number = static_cast<uint16_t>(value);
        batch.attribute(type, &number, sizeof number);
      };
      if (macvlan) {
        batch.u32(IFLA_MACVLAN_MODE, endpoint.parent.mode);
      } else {
        small(IFLA_IPVLAN_MODE, endpoint.parent.mode);
        if (endpoint.parent.flags != 0) small(IFLA_IPVLAN_FLAGS, endpoint.parent.flags);
      }
    });
  });
}

Status name_parent_link(NetlinkSocket& inside, const EndpointSpec& endpoint) {
  const std::string made = host_interface_name(endpoint.container_id, endpoint.network_id);
  const unsigned index = if_nametoindex(made.c_str());
  if (index == 0) return sys_error("find interface " + made, errno);
  NetlinkBatch batch;
  batch.begin(RTM_SETLINK, 0, fmt::format("name {} and set it up", endpoint.interface));
  batch.fixed(ifinfomsg{
      .ifi_family = AF_UNSPEC, .ifi_index = static_cast<int>(index), .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  batch.text(IFLA_IFNAME, endpoint.interface);
  return inside.run(batch);
}

}  // namespace berth::netns
