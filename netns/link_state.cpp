#include "netns/link_state.h"

#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace berth::netns {
namespace {

/// Up, or in no position to come up.
Result<bool> settled(NetlinkSocket& socket, const std::string& interface) {
  NetlinkBatch request;
  // To be asked makes Linux 6.8 and later take note at once, so that one question is enough there.
  request.begin(RTM_GETLINK, NLM_F_ACK, "state of " + interface);
  request.fixed(ifinfomsg{.ifi_family = AF_UNSPEC});
  request.text(IFLA_IFNAME, interface);
  bool down = false, sending = false;
  BERTH_TRY_OK(socket.dump(request, [&](const nlmsghdr& message) {
    down = (static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_flags & IFF_UP) == 0;
    visit_attributes(attributes_of(message, sizeof(ifinfomsg)), [&](const NetlinkAttribute& attribute) {
      if (attribute.type == IFLA_OPERSTATE && !attribute.data.empty()) sending = attribute.data[0] == IF_OPER_UP;
    });
  }));
  return down || sending;
}

}  // namespace

Status wait_until_sending(NetlinkSocket& socket, const std::string& interface) {
  constexpr useconds_t kFirstPause = 100, kLongestPause = 5'000;
  constexpr useconds_t kLongEnough = 1'000'000;
  useconds_t pause = kFirstPause;
  for (useconds_t waited = 0; waited < kLongEnough; waited += pause) {
    BERTH_TRY(bool done, settled(socket, interface));
    if (done) return {};
    usleep(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  return {};
}

}  // namespace berth::netns
