#include "netns/conntrack.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <optional>
#include <span>

#include "netns/netlink.h"

namespace berth::netns {
namespace {

constexpr uint16_t ct_type(int message) {
  return static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
}

/// The original direction of one flow.
struct Flow {
  std::span<const uint8_t> tuple;  // as the kernel wrote it, good for a delete request
  uint8_t family = 0;
  uint8_t protocol = 0;
  uint16_t destination_port = 0;
};

Flow read_flow(const nlmsghdr& message) {
  Flow flow;
  flow.family = static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family;
  visit_attributes(attributes_of(message, sizeof(nfgenmsg)), [&](const NetlinkAttribute& attribute) {
    if (attribute.type != CTA_TUPLE_ORIG) return;
    flow.tuple = attribute.data;
    visit_attributes(attribute.data, [&](const NetlinkAttribute& part) {
      if (part.type != CTA_TUPLE_PROTO) return;
      visit_attributes(part.data, [&](const NetlinkAttribute& detail) {
        if (detail.type == CTA_PROTO_NUM && !detail.data.empty()) flow.protocol = detail.data[0];
        if (detail.type == CTA_PROTO_DST_PORT && detail.data.size() >= 2) {
          flow.destination_port = static_cast<uint16_t>(detail.data[0] << 8 | detail.data[1]);
        }
      });
    });
  });
  return flow;
}

}  // namespace

Status forget_flows(const std::vector<HostPort>& ports) {
  if (ports.empty()) return {};
  auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket.ok()) return {};  // no netfilter, no flows
  NetlinkBatch list;
  list.begin(ct_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, "list tracked connections");
  list.fixed(nfgenmsg{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0});
  NetlinkBatch forget;
  bool any = false;
  const Status listed = socket->dump(list, [&](const nlmsghdr& message) {
    const Flow flow = read_flow(message);
    const bool goes_there = std::ranges::any_of(ports, [&](const HostPort& port) {
      return port.number == flow.destination_port && ip_protocol(port.protocol) == flow.protocol;
    });
    if (!goes_there) return;
    forget.begin(ct_type(IPCTNL_MSG_CT_DELETE), 0, "forget flow", ENOENT);
    forget.fixed(nfgenmsg{.nfgen_family = flow.family, .version = NFNETLINK_V0});
    forget.attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.tuple.data(), flow.tuple.size());
    any = true;
  });
  // A kernel without ctnetlink cannot list; what remains ends by itself after 30 to 120 seconds without traffic.
  if (!listed.ok() || !any) return {};
  return socket->run(forget);
}

}  // namespace berth::netns
