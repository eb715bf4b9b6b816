#include "netns/firewall.h"

#include <net/if.h>

#include "lab.h"
#include "loop.h"
#include "netns/netlink.h"
#include "netns/nft_library.h"
#include "netns/ports.h"
#include "netns/proxy.h"

using namespace berth;
using namespace berth::netns;

namespace {

/// A host 192.0.2.1 with networks "front", "back" and the internal "vault"; beside it another host, 192.0.2.9, that
/// even knows the way to the containers' addresses.
struct Town {
  sys::Netns host = lab::make_host();
  sys::Netns outside = lab::make_host();
  NetworkSpec front = lab::network("front", "10.81.1.0/24");
  NetworkSpec back = lab::network("back", "10.81.2.0/24");
  NetworkSpec vault = lab::network("vault", "10.81.3.0/24");
  Firewall firewall{"0badcafe"};
  Sandbox web, peer, db, safe;

  Town() {
    vault.internal = true;
    lab::connect(host, lab::ip("192.0.2.1"), outside, lab::ip("192.0.2.9"));
    lab::add_route(outside, lab::ip("192.0.2.1"));  // so that what answers them has a way back
    lab::in(host, [&]() -> Status {
      for (const NetworkSpec* net : {&front, &back, &vault}) {
        BERTH_TRY_OK(create_bridge(*net));
        BERTH_TRY_OK(firewall.add_network(*net));
      }
      BERTH_TRY(web, create_sandbox(lab::sandbox(front, "10.81.1.2")));
      BERTH_TRY(peer, create_sandbox(lab::sandbox(front, "10.81.1.3")));
      BERTH_TRY(db, create_sandbox(lab::sandbox(back, "10.81.2.2")));
      BERTH_TRY(safe, create_sandbox(lab::sandbox(vault, "10.81.3.2")));
      return {};
    });
  }
};

PortSpec published(uint16_t host_port, const char* container, uint16_t port, Protocol protocol) {
  return {.host_port = host_port, .protocol = protocol, .container = {lab::ip(container)}, .container_port = port};
}

}  // namespace

TEST_CASE("containers reach the world masqueraded, and neither each other's networks nor out of an internal one") {
  if (!lab::can_run()) return;
  Town town;
  const lab::Greeter world(town.outside, 80, "world");
  const lab::Greeter web(town.web.netns, 80, "web");
  const lab::Greeter db(town.db.netns, 80, "db");
  const lab::Greeter safe(town.safe.netns, 80, "safe");
  const lab::Greeter host(town.host, 81, "host");

  CHECK(lab::greet_tcp(town.web.netns, "192.0.2.9", 80) == "world from 192.0.2.1");
  CHECK(lab::greet_udp(town.web.netns, "192.0.2.9", 80) == "world from 192.0.2.1");
  CHECK(lab::greet_tcp(town.peer.netns, "10.81.1.2", 80) == "web from 10.81.1.3");
  CHECK(lab::greet_tcp(town.web.netns, "10.81.1.1", 81) == "host from 10.81.1.2");

  CHECK(lab::greet_tcp(town.web.netns, "10.81.2.2", 80).empty());  // another network
  CHECK(lab::greet_udp(town.web.netns, "10.81.2.2", 80).empty());
  CHECK(lab::greet_udp(town.outside, "10.81.1.2", 80).empty());  // not published
  CHECK(lab::greet_tcp(town.outside, "10.81.1.2", 80).empty());

  CHECK(lab::greet_udp(town.safe.netns, "192.0.2.9", 80).empty());             // internal: not out,
  CHECK(lab::greet_udp(town.safe.netns, "10.81.3.1", 81).empty());             // not through the bridge's address,
  CHECK(lab::greet_udp(town.web.netns, "10.81.3.2", 80).empty());              // not in,
  CHECK(lab::greet_tcp(town.host, "10.81.3.2", 80) == "safe from 10.81.3.1");  // but the host may look
}

TEST_CASE("a published port answers outside, from the host's addresses, from other networks and to itself") {
  if (!lab::can_run()) return;
  Town town;
  const lab::Greeter web(town.web.netns, 80, "web");
  const std::vector<PortSpec> ports = {published(8080, "10.81.1.2", 80, Protocol::tcp),
                                       published(8080, "10.81.1.2", 80, Protocol::udp)};
  lab::in(town.host, [&] { return town.firewall.publish(ports); });

  CHECK(lab::greet_tcp(town.outside, "192.0.2.1", 8080) == "web from 192.0.2.9");  // the source is kept
  CHECK(lab::greet_udp(town.outside, "192.0.2.1", 8080) == "web from 192.0.2.9");
  CHECK(lab::greet_tcp(town.host, "192.0.2.1", 8080) == "web from 192.0.2.1");
  CHECK(lab::greet_udp(town.host, "192.0.2.1", 8080) == "web from 192.0.2.1");
  CHECK(lab::greet_tcp(town.db.netns, "192.0.2.1", 8080) == "web from 10.81.2.2");
  CHECK(lab::greet_tcp(town.peer.netns, "192.0.2.1", 8080) == "web from 10.81.1.1");  // hairpin
  CHECK(lab::greet_tcp(town.web.netns, "192.0.2.1", 8080) == "web from 10.81.1.1");   // to itself
  CHECK(lab::greet_udp(town.web.netns, "10.81.1.1", 8080) == "web from 10.81.1.1");
  CHECK(lab::greet_udp(town.safe.netns, "10.81.3.1", 8080).empty());
  CHECK(lab::greet_tcp(town.outside, "10.81.1.2", 80).empty());  // around the published port: no

  lab::in(town.host, [&] { return town.firewall.unpublish(ports); });
  CHECK(lab::greet_udp(town.outside, "192.0.2.1", 8080).empty());
  CHECK(lab::greet_tcp(town.outside, "192.0.2.1", 8080).empty());
}

TEST_CASE("a UDP client's flow follows the port to another container at once") {
  if (!lab::can_run()) return;
  Town town;
  const lab::Greeter web(town.web.netns, 80, "web");
  const lab::Greeter peer(town.peer.netns, 80, "peer");
  lab::in(town.host, [&] { return town.firewall.publish({published(53, "10.81.1.2", 80, Protocol::udp)}); });
  lab::in(town.outside, [&]() -> Status {
    const sys::UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(53)};
    to.sin_addr.s_addr = htonl(static_cast<uint32_t>(lab::ip("192.0.2.1").bits()));
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    const auto say = [&] {
      std::array<char, 64> buffer{};
      const timeval limit{.tv_sec = 1};
      setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      (void)send(fd.get(), "x", 1, 0);
      const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), 0);
      return std::string(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
    };
    CHECK(say() == "web from 192.0.2.9");
    lab::in(town.host, [&] { return town.firewall.publish({published(53, "10.81.1.3", 80, Protocol::udp)}); });
    CHECK(say() == "peer from 192.0.2.9");
    return {};
  });
}

TEST_CASE("the table is observed, survives a flush by somebody else, and goes with the last network") {
  if (!lab::can_run()) return;
  Town town;
  lab::in(town.host, [&]() -> Status {
    BERTH_TRY_OK(town.firewall.publish({published(8080, "10.81.1.2", 80, Protocol::tcp)}));
    BERTH_TRY_OK(town.firewall.publish({published(8080, "10.81.1.2", 80, Protocol::tcp)}));  // again is fine
    PortSpec one_address = published(53, "10.81.1.2", 53, Protocol::udp);
    one_address.host_ip = Address::parse("192.0.2.1");
    BERTH_TRY_OK(town.firewall.publish({one_address}));
    BERTH_TRY(const auto full, town.firewall.observe());
    CHECK(full.present);
    CHECK(full.bridges.size() == 3);
    CHECK(full.ports == std::vector<std::string>{"192.0.2.1/udp/53", "tcp/8080"});

    BERTH_TRY(auto nft, NftLibrary::load());
    BERTH_TRY_OK(nft.run("flush ruleset"));
    BERTH_TRY(const auto none, town.firewall.observe());
    CHECK_FALSE(none.present);
    BERTH_TRY_OK(town.firewall.unpublish({one_address}));  // any change brings everything back
    BERTH_TRY(const auto back, town.firewall.observe());
    CHECK(back.bridges == full.bridges);
    CHECK(back.ports == std::vector<std::string>{"tcp/8080"});

    Firewall restarted("0badcafe");  // a new supervisor takes over what is there
    BERTH_TRY_OK(restarted.replace_all(town.firewall.state()));
    for (const NetworkSpec* net : {&town.front, &town.back, &town.vault})
      BERTH_TRY_OK(restarted.remove_network(net->id));
    BERTH_TRY_OK(restarted.remove_network(town.front.id));
    BERTH_TRY(const auto gone, restarted.observe());
    CHECK_FALSE(gone.present);
    for (const NetworkSpec* net : {&town.front, &town.back, &town.vault}) BERTH_TRY_OK(remove_bridge(net->bridge));
    return {};
  });
  for (Sandbox* sandbox : {&town.web, &town.peer, &town.db, &town.safe}) *sandbox = {};
  CHECK(lab::leftovers(town.host).find("br-") == std::string::npos);
  CHECK(lab::leftovers(town.host).find("berth_") == std::string::npos);
}

TEST_CASE("loopback, IPv6 and a host without rules are served by the proxy on the reserved sockets") {
  if (!lab::can_run()) return;
  Town town;
  const lab::Greeter web(town.web.netns, 80, "web");
  lab::Loop loop(town.host);
  std::vector<std::unique_ptr<PortProxy>> proxies;
  lab::in(town.host, [&]() -> Status {
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
      BERTH_TRY(Reservation reserved, reserve_port(published(8080, "10.81.1.2", 80, protocol)));
      CHECK(reserved.sockets.size() == 2);
      auto proxy = PortProxy::start(loop.io, reserved.port, std::move(reserved.sockets));
      BERTH_TRY_OK(Status(proxy.ok() ? Status() : Status(proxy.error())));
      proxies.push_back(std::move(*proxy));
    }
    return {};
  });
  CHECK(lab::greet_tcp(town.host, "127.0.0.1", 8080) == "web from 10.81.1.1");
  CHECK(lab::greet_tcp(town.host, "::1", 8080) == "web from 10.81.1.1");
  CHECK(lab::greet_udp(town.host, "127.0.0.1", 8080) == "web from 10.81.1.1");
  CHECK(lab::greet_udp(town.host, "127.0.0.5", 8080) == "web from 10.81.1.1");  // from the address asked
  CHECK(lab::greet_udp(town.host, "::1", 8080) == "web from 10.81.1.1");
  CHECK(lab::greet_tcp(town.outside, "192.0.2.1", 8080) == "web from 10.81.1.1");
  CHECK(lab::greet_udp(town.outside, "192.0.2.1", 8080) == "web from 10.81.1.1");
  loop.call([&] {
    CHECK(proxies[1]->active() >= 3);
    proxies.clear();
  });
  CHECK(lab::greet_tcp(town.host, "127.0.0.1", 8080).empty());
}

TEST_CASE("a taken port names who holds it, and an ephemeral one is the same for both families") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  lab::in(host, [&]() -> Status {
    PortSpec any = published(0, "10.0.0.1", 80, Protocol::tcp);
    BERTH_TRY(const Reservation first, reserve_port(any));
    CHECK(first.port.host_port != 0);
    CHECK(first.sockets.size() == 2);
    const auto second = reserve_port(first.port);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == EADDRINUSE);
    CHECK(second.error().message().find(fmt::format("(pid {})", getpid())) != std::string::npos);

    PortSpec elsewhere = first.port;
    elsewhere.host_ip = Address::parse("198.51.100.7");
    const auto third = reserve_port(elsewhere);
    REQUIRE_FALSE(third.ok());
    CHECK(third.error().code == EADDRNOTAVAIL);
    CHECK_FALSE(third.error().hint.empty());

    any.protocol = Protocol::udp;
    BERTH_TRY(const Reservation udp, reserve_port(any));
    CHECK(reserve_port(udp.port).error().code == EADDRINUSE);
    return {};
  });
}
