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
  uint8_t protocol = 0;
  uint16_t destination_port = 0;
};

Flow read_flow(const nlmsghdr& message) {
  Flow flow;
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

Status forget_udp_flows(const std::vector<uint16_t>& host_ports) {
  if (host_ports.empty()) return {};
  auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket.ok()) return {};  // no netfilter, no flows
  NetlinkBatch list;
  list.begin(ct_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, "list tracked connections");
  list.fixed(nfgenmsg{.nfgen_family = AF_INET, .version = NFNETLINK_V0});
  NetlinkBatch forget;
  bool any = false;
  const Status listed = socket->dump(list, [&](const nlmsghdr& message) {
    const Flow flow = read_flow(message);
    if (flow.protocol != IPPROTO_UDP || std::ranges::find(host_ports, flow.destination_port) == host_ports.end())
      return;
    forget.begin(ct_type(IPCTNL_MSG_CT_DELETE), 0, "forget UDP flow", ENOENT);
    forget.fixed(nfgenmsg{.nfgen_family = AF_INET, .version = NFNETLINK_V0});
    forget.attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.tuple.data(), flow.tuple.size());
    any = true;
  });
  // A kernel without ctnetlink cannot list; what remains ends by itself after 30 to 120 seconds without traffic.
  if (!listed.ok() || !any) return {};
  return socket->run(forget);
}

}  // namespace berth::netns
