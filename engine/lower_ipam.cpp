#include <fmt/core.h>

#include "engine/address_request.h"
#include "engine/lower_parts.h"

namespace berth::engine {
namespace {

template <class T>
berth::Status parse(const std::string& text, const char* key, std::optional<T>& out) {
  if (text.empty()) return {};
  out = T::parse(text);
  if (out) return {};
  return make_error(fmt::format("{}: \"{}\" is no {}", key, text,
                                std::is_same_v<T, netns::Subnet> ? "subnet such as 172.28.0.0/16" : "IP address"));
}

/// All that can be known without looking at the host.
berth::Status check(const IpamConfig& config) {
  BERTH_TRY(netns::AddressRequest request, address_request(config));
  if (!request.subnet && !request.gateway && !request.ip_range) return {};
  auto plan = netns::plan_addresses(request, {}, {});
  return plan.ok() ? berth::Status() : berth::Status(std::move(plan).error());
}

}  // namespace

Result<netns::AddressRequest> address_request(const IpamConfig& config) {
  netns::AddressRequest request;
  BERTH_TRY_OK(parse(config.subnet, "subnet", request.subnet));
  BERTH_TRY_OK(parse(config.gateway, "gateway", request.gateway));
  BERTH_TRY_OK(parse(config.ip_range, "ip_range", request.ip_range));
  for (const auto& [name, text] : config.aux_addresses) {
    std::optional<netns::Address> address;
    BERTH_TRY_OK(parse(text, "aux_addresses", address));
    if (address) request.aux.emplace_back(name, *address);
  }
  return request;
}

bool is_ipv6(const IpamConfig& config) {
  for (const std::string& text : {config.subnet, config.gateway, config.ip_range}) {
    if (!text.empty()) return text.find(':') != std::string::npos;
  }
  return !config.aux_addresses.empty() && config.aux_addresses.begin()->second.find(':') != std::string::npos;
}

void lower_ipam(const std::string& key, const compose::Network& network, NetworkConfig& config,
                Diagnostics& diagnostics) {
  config.enable_ipv4 = network.enable_ipv4.value_or(true);
  config.enable_ipv6 = network.enable_ipv6.value_or(false);
  if (!config.enable_ipv4 && !config.enable_ipv6) {
    diagnostics.error(network.span, fmt::format("network \"{}\" has neither IPv4 nor IPv6", key),
                      "enable_ipv6: true makes it one of IPv6 alone");
  }
  if (!network.ipam) return;
  for (const compose::IpamPool& pool : network.ipam->config) {
    IpamConfig block{pool.subnet.value_or(""), pool.gateway.value_or(""), pool.ip_range.value_or(""),
                     map_of(pool.aux_addresses), network.span.str()};
    const bool v6 = is_ipv6(block);
    if (v6 ? !config.enable_ipv6 : !config.enable_ipv4) {
      diagnostics.warning(network.span,
                          fmt::format("network \"{}\" has no IPv{}: these addresses are not used", key, v6 ? 6 : 4),
                          v6 ? "enable_ipv6: true switches it on" : "");
      continue;
    }
    berth::Status checked = check(block);
    if (!checked)
      diagnostics.error(network.span, fmt::format("network \"{}\": {}", key, checked.error().what),
                        checked.error().hint);
    for (const IpamConfig& other : config.ipam) {
      if (is_ipv6(other) != v6) continue;
      diagnostics.error(network.span, fmt::format("network \"{}\" has a second subnet of IPv{}", key, v6 ? 6 : 4),
                        fmt::format("a bridge has one of each family: {} or {}", other.subnet, block.subnet));
    }
    config.ipam.push_back(std::move(block));
  }
}

}  // namespace berth::engine
