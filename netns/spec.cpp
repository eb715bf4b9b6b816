#include "netns/spec.h"

#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace berth::netns {
namespace {

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status require(bool condition, const NetworkSpec& network, const std::string& what) {
  if (condition) return {};
  return make_error(fmt::format("network {}: {}", network.name, what));
}

}  // namespace

const char* driver_name(Driver driver) {
  return driver == Driver::bridge ? "bridge" : driver == Driver::macvlan ? "macvlan" : "ipvlan";
}

const std::string& host_interface(const NetworkSpec& network) {
  return network.driver == Driver::bridge ? network.bridge : network.parent.interface;
}

bool valid_interface_name(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  // No quote or backslash: the name goes into nft(8) text.
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127 && !strchr("/:\"\\*", c); });
}

std::string bridge_name(const std::string& network_id) {
  return "br-" + network_id.substr(0, 12);
}

Status validate(const NetworkSpec& network) {
  const Subnet& subnet = network.subnet;
  BERTH_TRY_OK(require(network.id.size() >= 12 && is_hex(network.id), network,
                       fmt::format("id '{}' is not 12 hex digits or more", network.id)));
  const std::string& interface = host_interface(network);
  BERTH_TRY_OK(require(valid_interface_name(interface), network,
                       fmt::format("'{}' cannot be the name of an interface", interface)));
  BERTH_TRY_OK(require(!network.enable_ipv6, network, "enable_ipv6 is not supported yet"));
  BERTH_TRY_OK(require(subnet.prefix >= 1 && subnet.prefix <= 30, network,
                       fmt::format("subnet {} has no room for containers", subnet.str())));
  BERTH_TRY_OK(require(subnet.contains(network.gateway), network,
                       fmt::format("gateway {} is outside subnet {}", network.gateway.str(), subnet.str())));
  BERTH_TRY_OK(require(network.mtu == 0 || (network.mtu >= 68 && network.mtu <= 65535), network,
                       fmt::format("mtu {} is not between 68 and 65535", network.mtu)));
  return {};
}

std::string host_interface_name(const std::string& container_id, const std::string& network_id) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const std::string& part : {container_id, std::string("/"), network_id}) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return fmt::format("bv{:012x}", hash >> 16);
}

const char* protocol_name(Protocol protocol) {
  return protocol == Protocol::tcp ? "tcp" : "udp";
}

std::string PortSpec::str() const {
  std::string host = host_ip ? host_ip->str() : "0.0.0.0";
  if (host_ip && host_ip->v6) host = "[" + host + "]";
  return fmt::format("{}:{} -> {}:{}/{}", host, host_port, container_ip.str(), container_port, protocol_name(protocol));
}

}  // namespace berth::netns
