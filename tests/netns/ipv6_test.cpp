#include <linux/if_addr.h>

#include "base/text.h"
#include "lab.h"
#include "netns/firewall.h"
#include "netns/ports.h"
#include "netns/sysctl.h"
#include "sys/file.h"

using namespace berth;
using namespace berth::netns;

namespace {

/// A host 192.0.2.1, 2001:db8::1 with dual networks "front", "back" and the internal "vault"; beside it another host,
/// 2001:db8::9, that even knows the way to the containers' addresses.
struct Town {
  sys::Netns host = lab::make_host();
  sys::Netns outside = lab::make_host();
  NetworkSpec front = lab::network("front", "10.82.1.0/24", "fd00:82:1::/64");
  NetworkSpec back = lab::network("back", "10.82.2.0/24", "fd00:82:2::/64");
  NetworkSpec vault = lab::network("vault", "10.82.3.0/24", "fd00:82:3::/64");
  Firewall firewall{"0badcafe"};
  Sandbox web, peer, db, safe;

  Town() {
    vault.internal = true;
    lab::connect(host, lab::ip("192.0.2.1"), outside, lab::ip("192.0.2.9"));
    lab::add_address(host, lab::ip("2001:db8::1"));
    lab::add_address(outside, lab::ip("2001:db8::9"));
    lab::add_route(outside, lab::ip("2001:db8::1"));
    lab::in(host, [&]() -> Status {
      for (const NetworkSpec* net : {&front, &back, &vault}) {
        BERTH_TRY_OK(create_bridge(*net));
        BERTH_TRY_OK(firewall.add_network(*net));
      }
      BERTH_TRY(web, create_sandbox(lab::sandbox(front, "10.82.1.2")));
      BERTH_TRY(peer, create_sandbox(lab::sandbox(front, "10.82.1.3")));
      BERTH_TRY(db, create_sandbox(lab::sandbox(back, "10.82.2.2")));
      BERTH_TRY(safe, create_sandbox(lab::sandbox(vault, "10.82.3.2")));
      return {};
    });
  }
};

PortSpec published(uint16_t host_port, const char* v4, const char* v6, uint16_t port, Protocol protocol) {
  PortSpec spec{.host_port = host_port, .protocol = protocol, .container_port = port};
  for (const char* address : {v4, v6}) {
    if (address != nullptr) spec.container.push_back(lab::ip(address));
  }
  return spec;
}

std::string read_in(const sys::Netns& where, const std::string& path) {
  std::string text;
  lab::in(where, [&]() -> Status {
    BERTH_TRY(text, sys::read_file(path, 1 << 20));
    return {};
  });
  return text;
}

}  // namespace

TEST_CASE("IPv6 reaches the world masqueraded, and neither other networks nor out of an internal one") {
  if (!lab::can_run()) return;
  Town town;
  const lab::Greeter world(town.outside, 80, "world"), web(town.web.netns, 80, "web"), db(town.db.netns, 80, "db");
  const lab::Greeter safe(town.safe.netns, 80, "safe"), host(town.host, 81, "host");

  CHECK(lab::greet_tcp(town.web.netns, "2001:db8::9", 80) == "world from 2001:db8::1");
  CHECK(lab::greet_udp(town.web.netns, "2001:db8::9", 80) == "world from 2001:db8::1");
  CHECK(lab::greet_tcp(town.peer.netns, "fd00:82:1::2", 80) == "web from fd00:82:1::3");
  CHECK(lab::greet_tcp(town.web.netns, "fd00:82:1::1", 81) == "host from fd00:82:1::2");

  CHECK(lab::greet_tcp(town.web.netns, "fd00:82:2::2", 80).empty());   // another network
  CHECK(lab::greet_tcp(town.outside, "fd00:82:1::2", 80).empty());     // nothing is published
  CHECK(lab::greet_tcp(town.safe.netns, "2001:db8::9", 80).empty());   // internal
  CHECK(lab::greet_tcp(town.safe.netns, "fd00:82:3::1", 81).empty());  // not even the host
  CHECK(lab::greet_tcp(town.host, "fd00:82:3::2", 80) == "safe from fd00:82:3::1");
}

TEST_CASE("a published port answers over IPv6 wherever it is asked, and tells who asks") {
  if (!lab::can_run()) return;
  Town town;
  const lab::Greeter web(town.web.netns, 80, "web");
  const PortSpec tcp = published(8080, "10.82.1.2", "fd00:82:1::2", 80, Protocol::tcp);
  const PortSpec udp = published(8080, "10.82.1.2", "fd00:82:1::2", 80, Protocol::udp);
  PortSpec one = published(8081, "10.82.1.2", "fd00:82:1::2", 80, Protocol::tcp);
  one.host_ip = lab::ip("2001:db8::1");
  PortSpec old = published(8082, "10.82.1.2", "fd00:82:1::2", 80, Protocol::tcp);
  old.host_ip = lab::ip("0.0.0.0");
  lab::in(town.host, [&] { return town.firewall.publish({tcp, udp, one, old}); });

  CHECK(lab::greet_tcp(town.outside, "2001:db8::1", 8080) == "web from 2001:db8::9");
  CHECK(lab::greet_udp(town.outside, "2001:db8::1", 8080) == "web from 2001:db8::9");
  CHECK(lab::greet_tcp(town.outside, "192.0.2.1", 8080) == "web from 192.0.2.9");
  CHECK(lab::greet_tcp(town.outside, "2001:db8::1", 8081) == "web from 2001:db8::9");
  CHECK(lab::greet_tcp(town.outside, "192.0.2.1", 8081).empty());
  CHECK(lab::greet_tcp(town.outside, "192.0.2.1", 8082) == "web from 192.0.2.9");
  CHECK(lab::greet_tcp(town.outside, "2001:db8::1", 8082).empty());
  CHECK(lab::greet_tcp(town.host, "2001:db8::1", 8080) == "web from 2001:db8::1");
  CHECK(lab::greet_tcp(town.db.netns, "2001:db8::1", 8080) == "web from fd00:82:2::2");
  CHECK(lab::greet_tcp(town.web.netns, "2001:db8::1", 8080) == "web from fd00:82:1::1");  // hairpin
  CHECK(lab::greet_tcp(town.peer.netns, "2001:db8::1", 8080) == "web from fd00:82:1::1");
  CHECK(lab::greet_tcp(town.safe.netns, "2001:db8::1", 8080).empty());

  lab::in(town.host, [&] { return town.firewall.unpublish({tcp, udp, one, old}); });
  CHECK(lab::greet_tcp(town.outside, "2001:db8::1", 8080).empty());
}

TEST_CASE("a UDP client that keeps sending reaches the container that has the port now, in both families") {
  if (!lab::can_run()) return;
  Town town;
  const lab::Greeter web(town.web.netns, 80, "web"), peer(town.peer.netns, 80, "peer");
  const std::pair<const char*, const char*> kHosts[] = {{"192.0.2.1", "192.0.2.9"}, {"2001:db8::1", "2001:db8::9"}};
  for (const auto& [host, client] : kHosts) {
    lab::in(town.host,
            [&] { return town.firewall.publish({published(5353, "10.82.1.2", "fd00:82:1::2", 80, Protocol::udp)}); });
    lab::UdpClient flow(town.outside, host, 5353);
    CHECK(flow.ask() == fmt::format("web from {}", client));
    lab::in(town.host,
            [&] { return town.firewall.publish({published(5353, "10.82.1.3", "fd00:82:1::3", 80, Protocol::udp)}); });
    CHECK(flow.ask() == fmt::format("peer from {}", client));
  }
}

TEST_CASE("a container of an IPv4 network has no IPv6 but its loopback, and one of IPv6 alone has no IPv4") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const NetworkSpec old = lab::network("old", "10.83.1.0/24");
  NetworkSpec both = lab::network("both", "10.83.2.0/24", "fd00:83:2::/64");
  SandboxSpec spec = lab::sandbox(old, "10.83.1.2");
  EndpointSpec second = lab::sandbox(both, "10.83.2.2").endpoints.front();
  second.interface = "eth1";
  second.gateways.erase(second.gateways.begin());
  second.addresses.erase(second.addresses.begin());
  spec.endpoints.push_back(second);
  both.blocks.erase(both.blocks.begin());
  Sandbox sandbox;
  lab::in(host, [&]() -> Status {
    BERTH_TRY_OK(create_bridge(old));
    BERTH_TRY_OK(create_bridge(both));
    BERTH_TRY(sandbox, create_sandbox(spec));
    return {};
  });
  const std::string addresses = read_in(sandbox.netns, "/proc/thread-self/net/if_inet6");
  CHECK(addresses.find("eth0") == std::string::npos);
  CHECK(addresses.find("fd000083000200000000000000000002") != std::string::npos);
  CHECK(addresses.find("fe80") != std::string::npos);
  for (const std::string& line : split(addresses, '\n')) {
    // address index prefix scope flags interface
    if (line.find("eth1") == std::string::npos) continue;
    const std::string flags = line.substr(line.find("eth1") - 7, 3);
    CHECK((std::stoi(flags, nullptr, 16) & IFA_F_TENTATIVE) == 0);
  }
  const std::string bridge = "/proc/sys/net/ipv6/conf/" + both.bridge;
  CHECK(read_in(host, bridge + "/accept_ra") == "0\n");  // CVE-2020-13401
  CHECK(read_in(host, "/proc/sys/net/ipv6/conf/" + old.bridge + "/disable_ipv6") == "1\n");
  const lab::Greeter greeter(sandbox.netns, 80, "six");
  CHECK(lab::greet_tcp(host, "fd00:83:2::2", 80) == "six from fd00:83:2::1");
}

TEST_CASE("a host that begins to forward IPv6 goes on listening to the routers it listened to") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const auto other = lab::make_host();
  lab::connect(host, lab::ip("192.0.2.1"), other, lab::ip("192.0.2.9"));
  const std::string conf = "/proc/sys/net/ipv6/conf/";
  lab::in(host, [&]() -> Status {
    BERTH_TRY_OK(write_interface_sysctl("ipv6", "lo", "accept_ra", "0"));
    return enable_ipv6_forwarding();
  });
  CHECK(read_in(host, conf + "all/forwarding") == "1\n");
  CHECK(read_in(host, conf + "eth0/accept_ra") == "2\n");
  CHECK(read_in(host, conf + "lo/accept_ra") == "0\n");
  lab::in(host, [&]() -> Status {
    BERTH_TRY_OK(write_interface_sysctl("ipv6", "eth0", "accept_ra", "1"));
    return enable_ipv6_forwarding();  // it is on: what is set now is the administrator's
  });
  CHECK(read_in(host, conf + "eth0/accept_ra") == "1\n");
}

TEST_CASE("a kernel without SCTP refuses such a port with what to do about it") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  lab::in(host, [&]() -> Status {
    const auto reserved = reserve_port(published(0, "10.0.0.1", nullptr, 80, Protocol::sctp));
    if (reserved.ok()) {
      CHECK(reserve_port(reserved->port).error().code == EADDRINUSE);
    } else {
      CHECK(reserved.error().code == EPROTONOSUPPORT);
      CHECK(reserved.error().hint.find("module \"sctp\"") != std::string::npos);
    }
    return {};
  });
}
