#include "netns/spec.h"

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "netns/hash.h"

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

const AddressBlock* NetworkSpec::block(bool v6) const {
  const auto hit = std::ranges::find_if(blocks, [&](const AddressBlock& block) { return block.subnet.base.v6 == v6; });
  return hit == blocks.end() ? nullptr : &*hit;
}

bool NetworkSpec::contains(const Address& address) const {
  return std::ranges::any_of(blocks, [&](const AddressBlock& block) { return block.subnet.contains(address); });
}

Status validate(const NetworkSpec& network) {
  BERTH_TRY_OK(require(network.id.size() >= 12 && is_hex(network.id), network,
                       fmt::format("id '{}' is not 12 hex digits or more", network.id)));
  const std::string& interface = host_interface(network);
  BERTH_TRY_OK(require(valid_interface_name(interface), network,
                       fmt::format("'{}' cannot be the name of an interface", interface)));
  BERTH_TRY_OK(require(!network.blocks.empty(), network, "it has no addresses"));
  for (const AddressBlock& block : network.blocks) {
    const Subnet& subnet = block.subnet;
    BERTH_TRY_OK(require(network.block(subnet.base.v6) == &block, network,
                         fmt::format("subnet {} is a second one of its family", subnet.str())));
    BERTH_TRY_OK(require(subnet.prefix >= 1 && subnet.prefix <= subnet.base.width() - 2, network,
                         fmt::format("subnet {} has no room for containers", subnet.str())));
    BERTH_TRY_OK(require(subnet.contains(block.gateway), network,
                         fmt::format("gateway {} is outside subnet {}", block.gateway.str(), subnet.str())));
  }
  BERTH_TRY_OK(require(network.mtu == 0 || (network.mtu >= 68 && network.mtu <= 65535), network,
                       fmt::format("mtu {} is not between 68 and 65535", network.mtu)));
  return {};
}

std::string host_interface_name(const std::string& container_id, const std::string& network_id) {
  return fmt::format("bv{:012x}", hash_of(container_id + "/" + network_id) >> 16);
}

bool EndpointSpec::has_ipv6() const {
  return std::ranges::any_of(addresses, [](const InterfaceAddress& entry) { return entry.address.v6; });
}

namespace {
constexpr std::array<const char*, 3> kProtocols = {"tcp", "udp", "sctp"};  // in the order of the enumeration
}

const char* protocol_name(Protocol protocol) {
  return kProtocols.at(static_cast<size_t>(protocol));
}

int ip_protocol(Protocol protocol) {
  constexpr std::array kNumbers = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
  return kNumbers.at(static_cast<size_t>(protocol));
}

std::optional<Protocol> parse_protocol(std::string_view name) {
  const auto hit = std::ranges::find(kProtocols, name);
  if (hit == kProtocols.end()) return std::nullopt;
  return static_cast<Protocol>(hit - kProtocols.begin());
}

const Address* PortSpec::target(bool v6) const {
  const auto hit = std::ranges::find(container, v6, &Address::v6);
  return hit == container.end() ? nullptr : &*hit;
}

bool PortSpec::translated(bool v6) const {
  if (target(v6) == nullptr) return false;
  return !host_ip || (host_ip->v6 == v6 && !host_ip->loopback());
}

std::string PortSpec::str() const {
  std::string host = host_ip ? host_ip->str() : "0.0.0.0";
  if (host_ip && host_ip->v6) host = "[" + host + "]";
  const std::string to = container.empty() ? "" : container.front().str();
  return fmt::format(fmt::runtime(to.find(':') == to.npos ? "{}:{} -> {}:{}/{}" : "{}:{} -> [{}]:{}/{}"), host,
                     host_port, to, container_port, protocol_name(protocol));
}

}  // namespace berth::netns
