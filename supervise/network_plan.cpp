#include "supervise/network_plan.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/address_request.h"
#include "engine/network_driver.h"
#include "netns/parent_link.h"
#include "supervise/networks_conf.h"

namespace berth::supervise {
namespace {

using engine::IpamConfig;
using netns::Occupied;

/// All but the addresses.
netns::NetworkSpec bare_spec(netns::NetworkSpec spec, const std::string& id) {
  spec.id = id;
  if (spec.driver == netns::Driver::bridge) {
    if (spec.bridge.empty()) spec.bridge = netns::bridge_name(id);
  } else if (spec.parent.interface.empty()) {
    spec.parent.interface = netns::dummy_name(spec.driver, id);
  }
  return spec;
}

/// By other networks, and `host` too: by the host.
Result<std::vector<Occupied>> occupied_by(const std::vector<netns::NetworkSpec>& networks, bool host) {
  std::vector<Occupied> occupied;
  if (host) {
    std::vector<std::string> bridges;
    for (const netns::NetworkSpec& network : networks) bridges.push_back(network.bridge);
    BERTH_TRY(occupied, netns::observe_host_prefixes(bridges));
  }
  for (const netns::NetworkSpec& network : networks) {
    for (const netns::AddressBlock& block : network.blocks) {
      occupied.push_back({block.subnet, Occupied::Kind::network, "network " + network.name});
    }
  }
  return occupied;
}

}  // namespace

Result<netns::NetworkSpec> plan_network(const engine::NetworkConfig& config, const std::string& id,
                                        const std::vector<netns::NetworkSpec>& others, const std::string& seed) {
  engine::NetworkDriver driver = engine::read_driver(config);
  if (!driver.errors.empty()) return driver.errors.front();
  netns::NetworkSpec spec = bare_spec(std::move(driver.spec), id);
  BERTH_TRY(const AddressPools pools, load_address_pools(seed));
  for (const bool v6 : {false, true}) {
    if (v6 ? !config.enable_ipv6 : !config.enable_ipv4) continue;
    auto asked = std::ranges::find(config.ipam, v6, engine::is_ipv6);
    const IpamConfig wanted = asked == config.ipam.end() ? IpamConfig() : *asked;
    BERTH_TRY(const netns::AddressRequest request, engine::address_request(wanted));
    // A macvlan's addresses are those of the network that its parent is on, and the host.
    const bool shared = spec.driver != netns::Driver::bridge && request.subnet.has_value();
    BERTH_TRY(const std::vector<Occupied> occupied, occupied_by(others, !shared));
    auto block = netns::plan_addresses(request, v6 ? pools.ipv6 : pools.ipv4, occupied);
    if (!block) {
      Error error = std::move(block).error();
      error.context.push_back("network " + config.name);
      if (!wanted.place.empty()) error.context.push_back(wanted.place);
      return error;
    }
    spec.blocks.push_back(std::move(*block));
  }
  BERTH_TRY_OK(netns::validate(spec));
  return spec;
}

std::vector<IpamConfig> recorded(const netns::NetworkSpec& network) {
  std::vector<IpamConfig> out;
  for (const netns::AddressBlock& block : network.blocks) {
    IpamConfig& config = out.emplace_back();
    config.subnet = block.subnet.str();
    config.gateway = block.gateway.str();
    if (block.ip_range) config.ip_range = block.ip_range->str();
    for (const auto& [name, address] : block.aux) config.aux_addresses[name] = address.str();
  }
  return out;
}

std::optional<netns::NetworkSpec> spec_of(const engine::NetworkRecord& record) {
  netns::NetworkSpec spec = bare_spec(engine::read_driver(record.config).spec, record.id);
  (spec.driver == netns::Driver::bridge ? spec.bridge : spec.parent.interface) = record.bridge;
  for (const IpamConfig& config : record.ipam) {
    const auto request = engine::address_request(config);
    if (!request || !request->subnet || !request->gateway) return std::nullopt;
    spec.blocks.push_back({*request->subnet, *request->gateway, request->ip_range, request->aux});
  }
  return netns::validate(spec) ? std::optional(std::move(spec)) : std::nullopt;
}

}  // namespace berth::supervise
