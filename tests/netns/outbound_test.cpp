#include "netns/outbound.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include <algorithm>
#include <optional>

#include "lab.h"
#include "netns/ipam.h"
#include "netns/link_state.h"
#include "netns/nft_library.h"

using namespace berth;
using namespace berth::netns;

namespace {

OutboundNetwork open(const sys::Netns& host) {
  std::optional<OutboundNetwork> out;
  lab::in(host, [&]() -> Status {
    BERTH_TRY(OutboundNetwork network, OutboundNetwork::open());
    out = std::move(network);
    return {};
  });
  return std::move(*out);
}

OutboundLink connect(const sys::Netns& host, OutboundNetwork& network) {
  OutboundLink link;
  lab::in(host, [&]() -> Status {
    BERTH_TRY(link, network.connect());
    return {};
  });
  return link;
}

}  // namespace

TEST_CASE("what has only a way out reaches others behind the host's address, and nobody reaches it") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const auto outside = lab::make_host();
  lab::connect(host, lab::ip("198.51.100.1"), outside, lab::ip("198.51.100.2"));
  const std::string before = lab::leftovers(host);
  {
    OutboundNetwork network = open(host);
    OutboundLink one = connect(host, network);
    OutboundLink two = connect(host, network);
    OutboundNetwork other = open(host);  // another build at the same time
    OutboundLink three = connect(host, other);
    const std::string gateway = network.host_address().str();
    CHECK(gateway == "172.30.0.1");
    CHECK(other.host_address() != network.host_address());
    const lab::Greeter far(outside, 80, "far");
    const lab::Greeter here(host, 81, "here");
    CHECK(lab::greet_tcp(one.netns, "198.51.100.2", 80) == "far from 198.51.100.1");
    CHECK(lab::greet_udp(two.netns, "198.51.100.2", 80) == "far from 198.51.100.1");
    CHECK(lab::greet_tcp(three.netns, "198.51.100.2", 80) == "far from 198.51.100.1");
    CHECK(lab::greet_udp(one.netns, gateway, 81) == "here from 172.30.0.2");
    const lab::Greeter inside(two.netns, 82, "inside");
    CHECK(lab::greet_tcp(host, "172.30.0.3", 82) == "inside from 172.30.0.1");
    for (const auto* from : {&one.netns, &three.netns}) CHECK(lab::greet_udp(*from, "172.30.0.3", 82).empty());
  }
  std::string after;
  for (int tries = 0; tries < 500 && (after = lab::leftovers(host)) != before; ++tries) usleep(10'000);
  CHECK(after == before);
}

TEST_CASE("two that chose the same block give their addresses once each") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  OutboundNetwork network = open(host);
  lab::in(host, [&]() -> Status {
    EndpointSpec taken;  // as another build would, that looked at the same moment
    taken.container_id = "other";
    taken.network_id = "build";
    taken.addresses = {{lab::ip("172.30.0.2"), 24}};
    BERTH_TRY(const Sandbox sandbox, create_sandbox({.endpoints = {taken}}));
    BERTH_TRY(const OutboundLink link, network.connect());
    BERTH_TRY(const auto occupied, observe_host_prefixes());
    CHECK(std::ranges::any_of(occupied, [](const Occupied& one) { return one.subnet.str() == "172.30.0.3/32"; }));
    return {};
  });
}

TEST_CASE("a firewall that drops what is forwarded is named") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  lab::in(host, []() -> Status {
    BERTH_TRY(NftLibrary nft, NftLibrary::load());
    return nft.run(
        "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }");
  });
  lab::in(host, []() -> Status {
    const auto network = OutboundNetwork::open();
    REQUIRE_FALSE(network.ok());
    CHECK(network.error().message() == "the chain FORWARD of the firewall's table filter drops what is forwarded");
    return {};
  });
}

TEST_CASE("packets are no larger than the way out takes") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const auto outside = lab::make_host();
  lab::connect(host, lab::ip("198.51.100.1"), outside, lab::ip("198.51.100.2"));
  lab::in(host, []() -> Status {
    BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
    BERTH_TRY(const uint32_t index, link_index(socket, "eth0"));
    NetlinkBatch batch;
    batch.begin(RTM_SETLINK, 0, "mtu");
    batch.fixed(ifinfomsg{.ifi_index = static_cast<int>(index)});
    batch.u32(IFLA_MTU, 1400);
    batch.begin(RTM_NEWROUTE, NLM_F_CREATE, "default route");
    batch.fixed(
        rtmsg{.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT, .rtm_type = RTN_UNICAST});
    batch.address(RTA_GATEWAY, lab::ip("198.51.100.2"));
    batch.u32(RTA_OIF, index);
    return socket.run(batch);
  });
  OutboundNetwork network = open(host);
  const OutboundLink link = connect(host, network);
  lab::in(link.netns, []() -> Status {
    const sys::UniqueFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{.ifr_ifrn = {"eth0"}};
    REQUIRE(ioctl(any.get(), SIOCGIFMTU, &request) == 0);
    CHECK(request.ifr_mtu == 1400);
    return {};
  });
}
