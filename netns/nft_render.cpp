#include "netns/nft_render.h"

#include <fmt/format.h>

#include "base/text.h"

namespace berth::netns {
namespace {

// How this works. Everything that differs between hosts is in these sets and maps:
//
//   bridges     interfaces of our networks            internal   those without a way out
//   same        (bridge, bridge) of each network        closed     those whose containers must not talk to each other
//   subnets     source addresses to masquerade        homes      (subnet, its bridge)
//   open        bridges whose containers may be reached at all their ports (gateway_mode nat-unprotected)
//   any_ports   (protocol, port) -> container         ip_ports   (address, protocol, port) -> container
//
// What comes past `forward` is accepted, and marked so for the firewalls of others (other_firewalls.h: kAcceptedMark).
//
// A set that holds addresses has one family; that of IPv6 is called subnets6 and so on.
//
// What comes from or for a link-local address cannot be forwarded: for a published port, the proxy answers it.
//
// "same" is looked up by (iif, oif): with bridge-nf-call-iptables=1 even frames between two ports of one bridge pass
// the forward chain, and must not be dropped there.
constexpr const char* kRules = R"(
  chain dnat_ports {
    dnat ip to ip daddr . meta l4proto . th dport map @ip_ports
    dnat ip to meta l4proto . th dport map @any_ports
  }
  chain dnat_ports6 {
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @ip_ports6
    dnat ip6 to meta l4proto . th dport map @any_ports6
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    meta nfproto ipv4 fib daddr type local jump dnat_ports
    ip6 saddr != fe80::/10 ip6 daddr != fe80::/10 fib daddr type local jump dnat_ports6
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local jump dnat_ports
    ip6 daddr != ::1 ip6 daddr != fe80::/10 fib daddr type local jump dnat_ports6
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat ip saddr . oifname @homes masquerade
    ct status dnat ip6 saddr . oifname @homes6 masquerade
    ip daddr 224.0.0.0/4 return
    ip6 daddr ff00::/8 return
    ip saddr @subnets oifname != @bridges masquerade
    ip6 saddr @subnets6 oifname != @bridges masquerade
  }
  chain same_bridge {
    iifname != @closed accept
    ct state established,related accept
    ct status dnat accept
    drop
  }
  chain from_container {
    iifname @internal drop
    oifname @internal drop
    ct state established,related accept
    ct state invalid drop
    oifname != @bridges accept
    ct status dnat accept
    oifname @open accept
    drop
  }
  chain to_container {
    oifname @internal drop
    ct state established,related accept
    ct state invalid drop
    ct status dnat accept
    oifname @open accept
    drop
  }
  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    iifname . oifname @same goto same_bridge
    iifname @bridges goto from_container
    oifname @bridges goto to_container
  }
  chain mark_accepted {
    type filter hook forward priority filter - 5; policy accept;
    iifname @bridges meta mark set meta mark | 0x01000000 return
    oifname @bridges meta mark set meta mark | 0x01000000
  }
  chain unmark {
    type filter hook forward priority 300; policy accept;
    meta mark & 0x01000000 != 0 meta mark set meta mark & 0xfeffffff
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname @internal ct state established,related accept
    iifname @internal icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iifname @internal drop
  }
}
)";

constexpr const char* kSets = R"(
  set bridges { type ifname; }
  set internal { type ifname; }
  set same { type ifname . ifname; }
  set closed { type ifname; }
  set open { type ifname; }
  set subnets { type ipv4_addr; flags interval; }
  set subnets6 { type ipv6_addr; flags interval; }
  set homes { type ipv4_addr . ifname; flags interval; }
  set homes6 { type ipv6_addr . ifname; flags interval; }
  map any_ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map any_ports6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
  map ip_ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  map ip_ports6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
)";

std::string of_family(const char* set, bool v6) {
  return fmt::format("{}{}", set, v6 ? "6" : "");
}

/// "add element inet berth_x set { ... }" for each of the sets that a network is in.
std::string network_elements(const std::string& verb, const std::string& table, const NetworkSpec& network) {
  const std::string bridge = '"' + network.bridge + '"';
  std::string out;
  const auto element = [&](const std::string& set, const std::string& content) {
    out += fmt::format("{} element inet {} {} {{ {} }}\n", verb, table, set, content);
  };
  element("bridges", bridge);
  element("same", fmt::format("{0} . {0}", bridge));
  if (!network.icc) element("closed", bridge);
  if (network.gateway_mode == GatewayMode::unprotected) element("open", bridge);
  if (network.internal) {
    element("internal", bridge);
    return out;
  }
  for (const AddressBlock& block : network.blocks) {
    const Subnet& subnet = block.subnet;
    if (network.masquerade) element(of_family("subnets", subnet.base.v6), subnet.str());
    element(of_family("homes", subnet.base.v6), fmt::format("{} . {}", subnet.str(), bridge));
  }
  return out;
}

/// Nothing where only the proxy serves the port.
std::string port_elements(const std::string& verb, const std::string& table, const std::vector<PortSpec>& ports) {
  std::string out;
  for (const PortSpec& port : ports) {
    for (const bool v6 : {false, true}) {
      if (!port.translated(v6)) continue;
      const bool any = !port.host_ip || port.host_ip->any();
      out += fmt::format("{} element inet {} {} {{ {}{} . {} : {} . {} }}\n", verb, table,
                         of_family(any ? "any_ports" : "ip_ports", v6), any ? "" : port.host_ip->str() + " . ",
                         protocol_name(port.protocol), port.host_port, port.target(v6)->str(), port.container_port);
    }
  }
  return out;
}

}  // namespace

std::string render_delete(const std::string& table) {
  // "add" first, so that deleting what is not there is no error.
  return fmt::format("add table inet {0}\ndelete table inet {0}\n", table);
}

std::string render_replace(const std::string& table, const FirewallState& state) {
  std::string out = render_delete(table);
  if (state.networks.empty()) return out;
  out += fmt::format("table inet {} {{", table);
  out += kSets;
  out += std::string_view(kRules).substr(1);
  for (const NetworkSpec& network : state.networks) out += network_elements("add", table, network);
  return out + port_elements("add", table, state.ports);
}

std::string render_add_network(const std::string& table, const NetworkSpec& network) {
  return network_elements("add", table, network);
}

std::string render_remove_network(const std::string& table, const NetworkSpec& network) {
  return network_elements("delete", table, network);
}

std::string render_publish(const std::string& table, const std::vector<PortSpec>& ports) {
  return port_elements("add", table, ports);
}

std::string render_unpublish(const std::string& table, const std::vector<PortSpec>& ports) {
  return port_elements("delete", table, ports);
}

}  // namespace berth::netns
