#include "netns/other_firewalls.h"

#include <poll.h>

#include <cstdlib>
#include <fstream>

#include "lab.h"
#include "netns/firewall.h"
#include "netns/nft_library.h"

using namespace berth;
using namespace berth::netns;

namespace {

/// A host with two containers of one network, one of them published as port 8080, and another host outside.
struct Town {
  sys::Netns host = lab::make_host();
  sys::Netns outside = lab::make_host();
  NetworkSpec net = lab::network("front", "10.83.1.0/24");
  Firewall firewall{"0badcafe"};
  Sandbox web, peer;

  Town() {
    lab::connect(host, lab::ip("192.0.2.1"), outside, lab::ip("192.0.2.9"));
    lab::in(host, [&]() -> Status {
      BERTH_TRY_OK(create_bridge(net));
      BERTH_TRY(web, create_sandbox(lab::sandbox(net, "10.83.1.2")));
      BERTH_TRY(peer, create_sandbox(lab::sandbox(net, "10.83.1.3")));
      return {};
    });
  }

  /// A program of somebody else, on the host.
  void run(const std::string& command) {
    lab::in(host, [&]() -> Status {
      return std::system(command.c_str()) == 0 ? Status() : make_error("failed: " + command);
    });
  }
  std::string output(const std::string& command) {
    std::string text;
    lab::in(host, [&]() -> Status {
      FILE* pipe = popen(command.c_str(), "re");
      for (int c; (c = fgetc(pipe)) != EOF;) text += static_cast<char>(c);
      return pclose(pipe) == 0 ? Status() : make_error("failed: " + command + ": " + text);
    });
    return text;
  }
  void nft(const std::string& commands) {
    lab::in(host, [&]() -> Status {
      BERTH_TRY(NftLibrary library, NftLibrary::load());
      return library.run(commands);
    });
  }

  void up() {
    lab::in(host, [&]() -> Status {
      BERTH_TRY_OK(firewall.add_network(net));
      return firewall.publish({{.host_port = 8080, .container = {lab::ip("10.83.1.2")}, .container_port = 80}});
    });
  }
  void down() {
    lab::in(host, [&] { return firewall.remove_network(net.id); });
  }
  void repair() {
    lab::in(host, [&] { return firewall.repair(); });
  }
  [[nodiscard]] bool told() {
    pollfd wait{firewall.watched().get(), POLLIN, 0};
    return poll(&wait, 1, 0) > 0;
  }

  /// Out, in through the port, and from one container to the other.
  std::string paths() {
    const lab::Greeter world(outside, 80, "world");
    const lab::Greeter server(web.netns, 80, "web");
    std::string text;
    if (lab::greet_udp(web.netns, "192.0.2.9", 80) == "world from 192.0.2.1") text += "out ";
    if (lab::greet_udp(outside, "192.0.2.1", 8080).empty() &&
        lab::greet_tcp(outside, "192.0.2.1", 8080) == "web from 192.0.2.9")
      text += "in ";
    if (lab::greet_udp(peer.netns, "10.83.1.2", 80) == "web from 10.83.1.3") text += "across";
    return text;
  }
};

constexpr const char* kAll = "out in across";

}  // namespace

TEST_CASE("networks work beside iptables-nft, which drops what is forwarded and can still read its table") {
  if (!lab::can_run()) return;
  Town town;
  town.run("iptables-nft -P FORWARD DROP && iptables-nft -N ufw-reject && iptables-nft -A FORWARD -j ufw-reject");
  const std::string before = town.output("iptables-nft -S");
  town.up();
  CHECK(town.firewall.obstacles().empty());
  CHECK(town.paths() == kAll);
  CHECK(town.output("iptables-nft -S").find("-A FORWARD -m mark --mark 0x1000000/0x1000000") != std::string::npos);

  // Everything anew from a file, as iptables-restore and `ufw reload` do.
  town.run("echo '*filter\n:FORWARD DROP [0:0]\nCOMMIT' | iptables-nft-restore");
  CHECK(town.paths() != kAll);
  CHECK(town.told());
  town.repair();
  CHECK(town.paths() == kAll);

  town.run("iptables-nft -F FORWARD && iptables-nft -P FORWARD ACCEPT && iptables-nft -A FORWARD -j REJECT");
  town.repair();
  CHECK(town.paths() == kAll);
  town.run("iptables-nft -F FORWARD");
  town.down();
  CHECK(town.output("iptables-nft -S FORWARD") == "-P FORWARD ACCEPT\n");
  CHECK_FALSE(before.empty());
}

TEST_CASE("frames between two ports of a bridge pass where bridge-nf-call-iptables sends them through FORWARD") {
  if (!lab::can_run()) return;
  Town town;
  bool there = false;
  lab::in(town.host, [&]() -> Status {
    std::ofstream file("/proc/sys/net/bridge/bridge-nf-call-iptables");
    file << "1" << std::flush;
    there = file.good();
    return {};
  });
  if (!there) {
    WARN("SKIPPED: the kernel's br_netfilter is not loaded");
    return;
  }
  town.run("iptables-nft -P FORWARD DROP");
  CHECK(town.paths().empty());
  town.up();
  CHECK(town.paths() == kAll);
}

TEST_CASE("networks work beside firewalld, also after it has reloaded") {
  if (!lab::can_run()) return;
  Town town;
  const std::string rules =
      "add table inet firewalld; flush table inet firewalld;"
      "add chain inet firewalld filter_FORWARD { type filter hook forward priority filter + 10; policy accept; };"
      "add rule inet firewalld filter_FORWARD ct state established,related accept;"
      "add rule inet firewalld filter_FORWARD ct status dnat accept;"
      "add rule inet firewalld filter_FORWARD ct state invalid drop;"
      "add rule inet firewalld filter_FORWARD reject with icmpx type admin-prohibited";
  town.nft(rules);
  town.up();
  CHECK(town.paths() == kAll);
  town.nft("delete table inet firewalld;" + rules);
  CHECK(town.told());
  town.repair();
  CHECK(town.paths() == kAll);
  town.down();
  CHECK(town.output("nft list table inet firewalld").find("berth") == std::string::npos);
}

TEST_CASE("an administrator's own rules that drop are left alone, and the warning's cure works") {
  if (!lab::can_run()) return;
  Town town;
  town.nft("add table inet mine; add chain inet mine guard { type filter hook forward priority 0; policy drop; }");
  town.up();
  CHECK(town.paths().find("out") == std::string::npos);
  REQUIRE(town.firewall.obstacles().size() == 1);
  const Error obstacle = town.firewall.obstacles().front();
  CHECK(obstacle.message() ==
        "the chain guard of the firewall's table inet mine drops what is forwarded, containers' packets too");
  town.run(obstacle.hint);
  CHECK(town.paths() == kAll);
  lab::in(town.host, [&] { return town.firewall.add_network(town.net); });
  CHECK(town.firewall.obstacles().empty());
}

TEST_CASE("iptables-legacy is out of reach: it is named, and the cure works") {
  if (!lab::can_run()) return;
  Town town;
  town.up();
  CHECK(town.firewall.obstacles().empty());
  town.run("iptables-legacy -A FORWARD -p icmp -m mark --mark 1 -j ACCEPT && iptables-legacy -P FORWARD DROP");
  CHECK(town.paths().find("out") == std::string::npos);
  lab::in(town.host, [&] { return town.firewall.add_network(town.net); });
  REQUIRE(town.firewall.obstacles().size() == 1);
  const Error obstacle = town.firewall.obstacles().front();
  CHECK(obstacle.message() == "the rules of iptables-legacy drop what is forwarded, containers' packets too");
  town.run(obstacle.hint);
  CHECK(town.paths() == kAll);
  lab::in(town.host, [&] { return town.firewall.add_network(town.net); });
  CHECK(town.firewall.obstacles().empty());
}

TEST_CASE("what others do to our table is made good at once, and our own changes are not taken for theirs") {
  if (!lab::can_run()) return;
  Town town;
  town.up();
  CHECK_FALSE(town.told());
  for (const char* damage :
       {"flush ruleset", "flush table inet berth_0badcafe", "flush map inet berth_0badcafe any_ports",
        "delete chain inet berth_0badcafe unmark", "delete table inet berth_0badcafe"}) {
    INFO(damage);
    town.nft(damage);
    CHECK(town.told());
    town.repair();
    CHECK(town.told() == false);
    CHECK(town.paths() == kAll);
  }
  town.nft("add table inet other");
  town.repair();
  CHECK_FALSE(town.told());
  town.down();
  town.nft("flush ruleset");
  town.repair();
  CHECK(lab::leftovers(town.host).find("berth_") == std::string::npos);
}
