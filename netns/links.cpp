#include "netns/links.h"

#include <net/if.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include "netns/link_address.h"
#include "netns/netlink.h"
#include "netns/sysctl.h"

namespace berth::netns {
namespace {

void add_bridge(NetlinkBatch& batch, const NetworkSpec& network) {
  batch.begin(RTM_NEWLINK, kCreate, "create bridge " + network.bridge, EEXIST);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, network.bridge);
  // A bridge without a MAC of its own takes the lowest of its ports, and changes it as containers come and go.
  batch.attribute(IFLA_ADDRESS, Mac::of(network.blocks.front().gateway).bytes.data(), 6);
  if (network.mtu != 0) batch.u32(IFLA_MTU, static_cast<uint32_t>(network.mtu));
  batch.nested(IFLA_LINKINFO, [&] { batch.text(IFLA_INFO_KIND, "bridge"); });
}

void set_bridge_up(NetlinkBatch& batch, const NetworkSpec& network, const std::string& owner, uint32_t index) {
  for (const AddressBlock& block : network.blocks) {
    if (network.gateway_mode != GatewayMode::isolated)
      add_address(batch, {block.gateway, block.subnet.prefix}, network.bridge, index);
  }
  batch.begin(RTM_SETLINK, 0, fmt::format("set bridge {} up", network.bridge));
  batch.fixed(ifinfomsg{
      .ifi_family = AF_UNSPEC, .ifi_index = static_cast<int>(index), .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  if (network.mtu != 0) batch.u32(IFLA_MTU, static_cast<uint32_t>(network.mtu));
  if (!owner.empty()) batch.text(IFLA_IFALIAS, owner);
}

struct LinkAttributes {
  ObservedLink link;
  bool ours = false;
};

LinkAttributes read_link(const nlmsghdr& message) {
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  LinkAttributes out;
  out.link.index = info->ifi_index;
  out.link.up = (info->ifi_flags & IFF_UP) != 0;
  visit_attributes(attributes_of(message, sizeof(ifinfomsg)), [&](const NetlinkAttribute& attribute) {
    if (attribute.type == IFLA_IFNAME) out.link.name = attribute.text();
    if (attribute.type == IFLA_IFALIAS) out.link.alias = attribute.text();
    if (attribute.type == IFLA_MASTER) out.link.master = static_cast<int>(attribute.u32());
    if (attribute.type != IFLA_LINKINFO) return;
    visit_attributes(attribute.data, [&](const NetlinkAttribute& detail) {
      if (detail.type == IFLA_INFO_KIND) out.link.kind = detail.text();
    });
  });
  const auto named = [&](std::string_view prefix) {
    const std::string& name = out.link.name;
    return name.size() == prefix.size() + 12 && name.starts_with(prefix) &&
           name.find_first_not_of("0123456789abcdef", prefix.size()) == std::string::npos;
  };
  out.ours = (out.link.kind == "bridge" && named("br-")) || (out.link.kind == "veth" && named("bv")) ||
             out.link.alias.starts_with("berth_");
  return out;
}

Result<std::vector<LinkAttributes>> all_links() {
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
  NetlinkBatch request;
  request.begin(RTM_GETLINK, NLM_F_DUMP, "list interfaces");
  request.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  std::vector<LinkAttributes> links;
  BERTH_TRY_OK(socket.dump(request, [&](const nlmsghdr& message) { links.push_back(read_link(message)); }));
  return links;
}

Status require_bridge(const std::string& name) {
  BERTH_TRY(const auto links, all_links());
  const auto hit = std::ranges::find_if(links, [&](const auto& entry) { return entry.link.name == name; });
  if (hit != links.end() && hit->link.kind == "bridge") return {};
  return make_error(fmt::format("create bridge {}: an interface of that name exists and is no bridge", name));
}

void delete_link(NetlinkBatch& batch, const std::string& name) {
  batch.begin(RTM_DELLINK, 0, "delete interface " + name, ENODEV);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.text(IFLA_IFNAME, name);
}

Status delete_one(const std::string& name) {
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
  NetlinkBatch batch;
  delete_link(batch, name);
  return socket.run(batch);
}

}  // namespace

Status create_bridge(const NetworkSpec& network, const std::string& owner) {
  BERTH_TRY_OK(validate(network));
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
  NetlinkBatch create;
  add_bridge(create, network);
  BERTH_TRY_OK(socket.run(create).context("network {}", network.name));
  const unsigned index = if_nametoindex(network.bridge.c_str());
  if (index == 0) return sys_error("find bridge " + network.bridge, errno);
  BERTH_TRY_OK(require_bridge(network.bridge));
  BERTH_TRY_OK(set_ipv6_sysctls(network.bridge, network.block(true) != nullptr));
  // A container on two networks may answer through the other one: the strict filter would drop it.
  BERTH_TRY_OK(write_interface_sysctl("ipv4", network.bridge, "rp_filter", "2"));
  NetlinkBatch up;
  set_bridge_up(up, network, owner, index);
  return socket.run(up).context("network {}", network.name);
}

Status remove_bridge(const std::string& bridge) {
  return delete_one(bridge);
}

Status remove_links(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  if (names.size() == 1) return delete_one(names.front());
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
  // Deleting waits for every CPU to have let go of the interface, once per request. A request for a whole group waits
  // once for all: put them into a group that nobody else is likely to use, and delete that.
  const auto group = static_cast<uint32_t>(std::hash<std::string>{}(names.front()) | 0x40000000u) & 0x7fffffffu;
  NetlinkBatch batch;
  for (const std::string& name : names) {
    batch.begin(RTM_SETLINK, 0, "mark interface " + name + " for deletion", ENODEV);
    batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
    batch.text(IFLA_IFNAME, name);
    batch.u32(IFLA_GROUP, group);
  }
  batch.begin(RTM_DELLINK, 0, fmt::format("delete {} interfaces", names.size()), ENODEV);
  batch.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  batch.u32(IFLA_GROUP, group);
  return socket.run(batch);
}

Result<std::vector<ObservedLink>> observe_links() {
  BERTH_TRY(auto links, all_links());
  std::vector<ObservedLink> ours;
  for (auto& entry : links) {
    if (entry.ours) ours.push_back(std::move(entry.link));
  }
  std::ranges::sort(ours, {}, &ObservedLink::name);
  return ours;
}

}  // namespace berth::netns
