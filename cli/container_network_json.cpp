#include <algorithm>

#include "base/text.h"
#include "cli/container_json.h"
#include "cli/published.h"
#include "images/digest.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The network's block of that family; nullptr if it has none.
const engine::IpamConfig* block_of(const engine::NetworkRecord* network, bool ipv6) {
  if (network == nullptr) return nullptr;
  auto found = std::find_if(network->ipam.begin(), network->ipam.end(), [&](const engine::IpamConfig& block) {
    return (block.subnet.find(':') != std::string::npos) == ipv6;
  });
  return found == network->ipam.end() ? nullptr : &*found;
}

unsigned long long prefix_length(const engine::IpamConfig& block) {
  return parse_unsigned(block.subnet.substr(block.subnet.find('/') + 1)).value_or(0);
}

Json ipam_config(const engine::AttachmentConfig& attachment) {
  Json json = Json::object();
  if (!attachment.ipv4_address.empty()) json["IPv4Address"] = attachment.ipv4_address;
  if (!attachment.ipv6_address.empty()) json["IPv6Address"] = attachment.ipv6_address;
  if (!attachment.link_local_ips.empty()) json["LinkLocalIPs"] = attachment.link_local_ips;
  return json;
}

/// The addresses of a place in a network, under Docker's names; empty where it is not taken.
Json addresses(const engine::EndpointState* endpoint, const engine::NetworkRecord* network) {
  const engine::IpamConfig* v4 = block_of(network, false);
  const engine::IpamConfig* v6 = block_of(network, true);
  const bool has_v4 = endpoint != nullptr && v4 != nullptr && !endpoint->address.empty();
  const bool has_v6 = endpoint != nullptr && v6 != nullptr && !endpoint->ipv6_address.empty();
  return {{"Gateway", has_v4 ? v4->gateway : ""},
          {"IPAddress", has_v4 ? endpoint->address : ""},
          {"IPPrefixLen", has_v4 ? prefix_length(*v4) : 0},
          {"IPv6Gateway", has_v6 ? v6->gateway : ""},
          {"GlobalIPv6Address", has_v6 ? endpoint->ipv6_address : ""},
          {"GlobalIPv6PrefixLen", has_v6 ? prefix_length(*v6) : 0}};
}

const engine::EndpointState* endpoint_on(const engine::Container& container, const std::string& network) {
  const auto& endpoints = container.live.endpoints;
  auto found =
      std::find_if(endpoints.begin(), endpoints.end(), [&](const auto& one) { return one.network == network; });
  return container.live.alive() && found != endpoints.end() ? &*found : nullptr;
}

Json endpoint_json(const engine::Container& container, const engine::AttachmentConfig& attachment,
                   const engine::NetworkRecord* network) {
  const engine::ContainerRecord& record = container.record;
  const engine::EndpointState* endpoint = endpoint_on(container, attachment.network);
  std::vector<std::string> aliases{record.name};
  aliases.insert(aliases.end(), attachment.aliases.begin(), attachment.aliases.end());
  // Compose's own alias comes before those of the file.
  std::stable_partition(aliases.begin() + 1, aliases.end(), [&](const auto& alias) { return alias == record.service; });
  std::vector<std::string> names = aliases;
  names.push_back(record.short_id());
  if (!record.config.hostname.empty()) names.push_back(record.config.hostname);
  Json links = Json::array();
  for (const auto& [alias, target] : attachment.links) links.push_back(target + ":" + alias);
  const std::string id = network == nullptr ? "" : network->id;
  Json json = {{"IPAMConfig", ipam_config(attachment)},
               {"Links", links.empty() ? Json() : links},
               {"Aliases", std::move(aliases)},
               {"MacAddress", endpoint == nullptr ? attachment.mac_address : endpoint->mac},
               {"NetworkID", id},
               {"EndpointID", endpoint == nullptr ? "" : images::sha256_of(record.id + "/" + id).hex()}};
  json.update(addresses(endpoint, network));
  json["DriverOpts"] = attachment.options.empty() ? Json() : Json(attachment.options);
  json["DNSNames"] = std::move(names);
  return json;
}

Json ports_json(const engine::Container& container) {
  Json ports = Json::object();
  if (!container.live.alive()) return ports;
  for (const engine::PublishedPort& port : bindings(container)) {
    ports[std::to_string(port.container_port) + "/" + port.protocol].push_back(
        {{"HostIp", port.host_ip}, {"HostPort", std::to_string(port.host_port)}});
  }
  for (const std::string& exposed : container.record.expose) {
    const std::string key = exposed.find('/') == std::string::npos ? exposed + "/tcp" : exposed;
    if (!ports.contains(key)) ports[key] = nullptr;
  }
  return ports;
}

}  // namespace

Json network_settings_json(const engine::Container& container, const engine::Observed& observed) {
  constexpr const char* kDefaultBridge = "bridge";
  const engine::EndpointState* on_default = endpoint_on(container, kDefaultBridge);
  Json json = {
      {"Bridge", ""},
      {"SandboxID", container.live.alive() ? container.record.id : ""},
      {"SandboxKey", container.live.alive() ? "/proc/" + std::to_string(container.live.process.pid) + "/ns/net" : ""},
      {"Ports", ports_json(container)},
      {"HairpinMode", false},
      {"LinkLocalIPv6Address", ""},
      {"LinkLocalIPv6PrefixLen", 0},
      {"SecondaryIPAddresses", nullptr},
      {"SecondaryIPv6Addresses", nullptr},
      {"EndpointID", ""}};
  json.update(addresses(on_default, observed.network(kDefaultBridge)));
  json["MacAddress"] = on_default == nullptr ? "" : on_default->mac;
  json["Networks"] = Json::object();
  for (const engine::AttachmentConfig& attachment : container.record.config.attachments)
    json["Networks"][attachment.network] = endpoint_json(container, attachment, observed.network(attachment.network));
  return json;
}

}  // namespace berth::cli
