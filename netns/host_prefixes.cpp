#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "netns/ipam.h"
#include "netns/netlink.h"
#include "netns/resolv_conf.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

std::string interface_name(uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  return if_indextoname(index, name.data()) != nullptr ? name.data() : fmt::format("interface {}", index);
}

using Visit = std::function<void(Subnet, Occupied::Kind, std::string interface)>;

Status visit_addresses(NetlinkSocket& socket, const Visit& visit) {
  NetlinkBatch request;
  request.begin(RTM_GETADDR, NLM_F_DUMP, "list addresses of the host");
  request.fixed(ifaddrmsg{.ifa_family = AF_UNSPEC});
  return socket.dump(request, [&](const nlmsghdr& message) {
    const auto* info = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
    if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) return;
    visit_attributes(attributes_of(message, sizeof(ifaddrmsg)), [&](const NetlinkAttribute& attribute) {
      // On a point-to-point link IFA_ADDRESS is the other end; both are taken.
      if (attribute.type != IFA_ADDRESS && attribute.type != IFA_LOCAL) return;
      visit(Subnet::of(attribute.address(), info->ifa_prefixlen), Occupied::Kind::host_address,
            interface_name(info->ifa_index));
    });
  });
}

Status visit_routes(NetlinkSocket& socket, const Visit& visit) {
  NetlinkBatch request;
  request.begin(RTM_GETROUTE, NLM_F_DUMP, "list routes of the host");
  request.fixed(rtmsg{.rtm_family = AF_UNSPEC});
  return socket.dump(request, [&](const nlmsghdr& message) {
    const auto* info = static_cast<const rtmsg*>(NLMSG_DATA(&message));
    if (info->rtm_family != AF_INET && info->rtm_family != AF_INET6) return;
    if (info->rtm_dst_len == 0) return;  // a default route takes nothing
    if (info->rtm_type == RTN_BROADCAST || info->rtm_type == RTN_MULTICAST) return;
    Subnet destination{.prefix = info->rtm_dst_len};
    std::string interface;
    visit_attributes(attributes_of(message, sizeof(rtmsg)), [&](const NetlinkAttribute& attribute) {
      if (attribute.type == RTA_DST) destination.base = attribute.address();
      if (attribute.type == RTA_OIF) interface = interface_name(attribute.u32());
    });
    visit(destination, Occupied::Kind::host_route, interface);
  });
}

/// Not the host's alone: every interface has them.
bool on_every_interface(const Subnet& subnet) {
  static const Subnet kLinkLocal = *Subnet::parse("fe80::/10"), kMulticast = *Subnet::parse("ff00::/8");
  return subnet.base.loopback() || kLinkLocal.contains(subnet) || kMulticast.contains(subnet);
}

}  // namespace

Result<std::vector<Occupied>> observe_host_prefixes(const std::vector<std::string>& own_bridges) {
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<Occupied> out;
  const Visit add = [&](Subnet subnet, Occupied::Kind kind, const std::string& interface) {
    if (on_every_interface(subnet) || std::ranges::find(own_bridges, interface) != own_bridges.end()) return;
    const char* what = kind == Occupied::Kind::host_address ? "address of" : "route through";
    out.push_back({subnet, kind, fmt::format("{} {}", what, interface.empty() ? "no interface" : interface)});
  };
  BERTH_TRY_OK(visit_addresses(socket, add));
  BERTH_TRY_OK(visit_routes(socket, add));
  const auto text = sys::read_file("/etc/resolv.conf", 1 << 20);
  if (!text.ok()) return out;  // a host without one has no nameserver to avoid
  for (const Address& server : parse_resolv_conf(*text).nameservers) {
    const Subnet itself = Subnet::of(server, server.width());
    if (!on_every_interface(itself)) out.push_back({itself, Occupied::Kind::nameserver, "nameserver " + server.str()});
  }
  return out;
}

}  // namespace berth::netns
