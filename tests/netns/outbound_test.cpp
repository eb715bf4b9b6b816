#include "netns/outbound.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "lab.h"
#include "netns/ipam.h"
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
    taken.address = lab::ip("172.30.0.2");
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
