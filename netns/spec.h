#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "netns/address.h"

namespace berth::netns {

/// The addresses of one family on a network.
struct AddressBlock {
  Subnet subnet;
  Address gateway;                                   // the host's own address on the bridge
  std::optional<Subnet> ip_range;                    // container addresses come from here only
  std::vector<std::pair<std::string, Address>> aux;  // never given to a container
};

enum class Driver : uint8_t {
  bridge,   // a bridge of the host's
  macvlan,  // each container has an interface of its own on one of the host's, with a MAC of its own
  ipvlan,   // as macvlan, but with that one's MAC
};

[[nodiscard]] const char* driver_name(Driver driver);

/// How the outside reaches the containers of a bridge (Docker's gateway_mode).
enum class GatewayMode : uint8_t {
  nat,          // at published ports of the host; what goes out has the host's address
  unprotected,  // as nat, and at all ports of their own addresses
  isolated,     // not at all: an internal network on which the host has no address
};

/// The interface of the host that those of the containers are made on (macvlan, ipvlan).
struct ParentSpec {
  std::string interface;  // "eth0", or "eth0.50": VLAN 50 of it
  uint32_t mode = 0;      // as the kernel counts: MACVLAN_MODE_…, IPVLAN_MODE_…
  uint32_t flags = 0;     // IPVLAN_F_…
};

/// A compose network: one Linux bridge with its addresses, or an interface of the host's that the containers share. A
/// plain value; everything that creates takes it, and it is enough to rebuild bridge and rules after a crash.
struct NetworkSpec {
  std::string id;    // at least 12 lower-case hex digits
  std::string name;  // as the user sees it: "shop_default"
  Driver driver = Driver::bridge;
  std::string bridge;  // interface name, 15 bytes at most; bridge_name(id) unless the user chose one; empty: no bridge
  ParentSpec parent;   // of other drivers
  std::vector<AddressBlock> blocks;  // one for each family that the network has: IPv4, IPv6 or both in this order
  bool internal = false;             // no way out, no way in, no default route
  GatewayMode gateway_mode = GatewayMode::nat;
  bool masquerade = true;  // what goes out has the host's address
  int mtu = 0;             // 0 = the kernel's default, 1500
  bool icc = true;         // containers of this network may talk to each other

  /// Nothing if the network does not have this family.
  [[nodiscard]] const AddressBlock* block(bool v6) const;
  [[nodiscard]] bool contains(const Address& address) const;
};

/// The interface of the host that the network is made of: its bridge, or the parent.
[[nodiscard]] const std::string& host_interface(const NetworkSpec& network);

/// What the kernel takes as a name of an interface, and what can stand in the rules of the firewall.
[[nodiscard]] bool valid_interface_name(std::string_view name);

/// "br-" and the first 12 digits of the id.
[[nodiscard]] std::string bridge_name(const std::string& network_id);

/// Names, ranges and addresses make sense together; the error names the network and the field.
[[nodiscard]] Status validate(const NetworkSpec& network);

/// An address that an interface gets.
struct InterfaceAddress {
  Address address;
  int prefix = 24;
};

/// One container's place on one network.
struct EndpointSpec {
  std::string container_id;
  std::string network_id;
  std::string bridge;  // empty: none, the host has the gateway's address and a route to this one address
  Driver driver = Driver::bridge;
  ParentSpec parent;               // of other drivers, which have no bridge and nothing else on the host either
  std::string interface = "eth0";  // in the container
  std::vector<InterfaceAddress> addresses;  // the main one first. Without any of IPv6, the interface has no IPv6 at all
  std::vector<Address>
      gateways;            // default routes through this endpoint; of a family, one endpoint of a container has it
  std::optional<Mac> mac;  // Mac::of(main address) unless given
  bool on_link = false;    // these routes lead to the interface itself, not to a gateway
  std::vector<std::pair<std::string, std::string>> sysctls;  // "ipv4/conf/eth0/forwarding" and its value
  int mtu = 0;
  bool icc = true;  // false: this container talks to the host's side of the bridge only (NetworkSpec::icc)

  [[nodiscard]] bool has_ipv6() const;
};

/// Name of the endpoint's host side: "bv" and 12 hex digits made from container and network id. The same endpoint
/// always gets the same name, so a leftover of a crash is found and replaced, and `ip link` shows whose it is.
[[nodiscard]] std::string host_interface_name(const std::string& container_id, const std::string& network_id);

enum class Protocol : uint8_t { tcp, udp, sctp };
[[nodiscard]] const char* protocol_name(Protocol protocol);
[[nodiscard]] int ip_protocol(Protocol protocol);  // IPPROTO_TCP
[[nodiscard]] std::optional<Protocol> parse_protocol(std::string_view name);

/// A published port.
struct PortSpec {
  std::optional<Address> host_ip;  // nothing = all addresses of the host, IPv4 and IPv6
  uint16_t host_port = 0;          // 0 = a free one is chosen by reserve_port()
  Protocol protocol = Protocol::tcp;
  std::vector<Address> container;  // its address of each family it has
  uint16_t container_port = 0;
  bool operator==(const PortSpec&) const = default;

  /// The container's address of this family, if it has one.
  [[nodiscard]] const Address* target(bool v6) const;
  /// True where the firewall translates what comes for an address of this family: not for loopback addresses, and not
  /// from one family to the other. The rest is for the proxy.
  [[nodiscard]] bool translated(bool v6) const;

  /// "0.0.0.0:8080 -> 172.18.0.2:80/tcp"
  [[nodiscard]] std::string str() const;
};

}  // namespace berth::netns
