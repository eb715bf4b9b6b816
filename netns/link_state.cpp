#include "netns/link_state.h"

#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstdio>

#include <algorithm>

#include "base/text.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

struct LinkState {
  uint32_t index = 0;
  bool up = false, sending = false;
};

Result<LinkState> ask(NetlinkSocket& socket, const std::string& interface) {
  NetlinkBatch request;
  request.begin(RTM_GETLINK, NLM_F_ACK, "state of " + interface);
  request.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  request.text(IFLA_IFNAME, interface);
  LinkState state;
  BERTH_TRY_OK(socket.dump(request, [&](const nlmsghdr& message) {
    const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
    state.index = static_cast<uint32_t>(info->ifi_index);
    state.up = (info->ifi_flags & IFF_UP) != 0;
    visit_attributes(attributes_of(message, sizeof(ifinfomsg)), [&](const NetlinkAttribute& attribute) {
      if (attribute.type == IFLA_OPERSTATE && !attribute.data.empty()) state.sending = attribute.data[0] == IF_OPER_UP;
    });
  }));
  return state;
}

}  // namespace

Result<uint32_t> link_index(NetlinkSocket& socket, const std::string& interface) {
  BERTH_TRY(LinkState state, ask(socket, interface));
  return state.index;
}

bool is_up(const std::string& interface) {
  Result<NetlinkSocket> socket = NetlinkSocket::open(NETLINK_ROUTE);
  if (!socket.ok()) return false;
  Result<LinkState> state = ask(*socket, interface);
  return state.ok() && state->up;
}

Status wait_until_sending(NetlinkSocket& socket, const std::string& interface) {
  constexpr useconds_t kFirstPause = 100, kLongestPause = 5'000;
  constexpr useconds_t kLongEnough = 1'000'000;
  useconds_t pause = kFirstPause;
  for (useconds_t waited = 0; waited < kLongEnough; waited += pause) {
    // To be asked makes Linux 6.8 and later take note at once, so that one question is enough there.
    BERTH_TRY(LinkState state, ask(socket, interface));
    if (!state.up || state.sending) return {};
    usleep(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  return {};
}

void wait_until_usable(const std::string& interface) {
  constexpr useconds_t kShort = 100, kLongEnough = 2'000'000;
  const auto tentative = [&] {
    // address index prefix scope flags interface, in hexadecimal
    const std::string addresses = sys::read_file("/proc/thread-self/net/if_inet6").value_or("");
    for (const std::string& line : split(addresses, '\n')) {
      unsigned flags = 0;
      char name[IF_NAMESIZE] = "";
      if (std::sscanf(line.c_str(), "%*s %*x %*x %*x %x %15s", &flags, name) != 2 || name != interface) continue;
      if ((flags & IFA_F_TENTATIVE) != 0) return true;
    }
    return false;
  };
  for (useconds_t waited = 0; waited < kLongEnough && tentative(); waited += kShort) usleep(kShort);
}

}  // namespace berth::netns
