#include <memory>

#include "base/clock.h"
#include "cli/inspect.h"
#include "cli/network_commands.h"
#include "engine/plan_network.h"
#include "engine/predefined_network.h"
#include "images/digest.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct NetworkInspectFlags {
  std::vector<std::string> networks;
  std::string format;
  bool verbose = false;
};

Json map_json(const engine::StringMap& map) {
  Json json = Json::object();
  for (const auto& [name, value] : map) json[name] = value;
  return json;
}

Json pools(const engine::NetworkRecord& network) {
  if (network.config.name == "host" || network.config.name == "none") return nullptr;
  Json list = Json::array();  // empty for the default bridge while nobody is on it
  for (const engine::IpamConfig& block : network.ipam) {
    Json pool = {{"Subnet", block.subnet}};
    if (!block.ip_range.empty()) pool["IPRange"] = block.ip_range;
    pool["Gateway"] = block.gateway;
    if (!block.aux_addresses.empty()) pool["AuxiliaryAddresses"] = map_json(block.aux_addresses);
    list.push_back(std::move(pool));
  }
  return list;
}

/// With the prefix of the network's subnet of that family.
std::string with_prefix(const std::string& address, const engine::NetworkRecord& network) {
  for (const engine::IpamConfig& block : network.ipam) {
    const bool same_family = (block.subnet.find(':') == std::string::npos) == (address.find(':') == std::string::npos);
    if (!address.empty() && same_family) return address + block.subnet.substr(block.subnet.find('/'));
  }
  return "";
}

Json containers(const engine::NetworkRecord& network, const engine::Observed& observed) {
  Json json = Json::object();
  for (const NetworkUser& user : users_of(network, observed)) {
    const engine::ContainerRecord& record = user.container->record;
    json[record.id] = {{"Name", record.name},
                       {"EndpointID", images::sha256_of(record.id + "/" + network.id).hex()},
                       {"MacAddress", user.endpoint.mac},
                       {"IPv4Address", with_prefix(user.endpoint.address, network)},
                       {"IPv6Address", with_prefix(user.endpoint.ipv6_address, network)}};
  }
  return json;
}

/// As `docker network inspect` shows it.
Json inspect(const engine::NetworkRecord& network, const engine::Observed& observed) {
  const engine::NetworkConfig& config = network.config;
  const bool predefined = engine::is_predefined(config.name);
  return {
      {"Name", config.name},
      {"Id", network.id},
      {"Created", network.created_ns == 0 ? "0001-01-01T00:00:00Z" : format_rfc3339(network.created_ns)},
      {"Scope", "local"},
      {"Driver", driver_of(network)},
      {"EnableIPv4", config.enable_ipv4},
      {"EnableIPv6", config.enable_ipv6},
      {"IPAM", {{"Driver", "default"}, {"Options", predefined ? Json() : Json::object()}, {"Config", pools(network)}}},
      {"Internal", config.internal},
      {"Attachable", config.attachable},
      {"Ingress", false},
      {"ConfigFrom", {{"Network", ""}}},
      {"ConfigOnly", false},
      {"Containers", containers(network, observed)},
      {"Options", map_json(config.options)},
      {"Labels", map_json(config.labels)}};
}

}  // namespace

Result<Json> network_json(const Context& context, const std::string& name) {
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  engine::Observed all;
  all.networks = all_networks(context, observed);
  BERTH_TRY(const engine::NetworkRecord* found, engine::find_network(all, name));
  return inspect(*found, observed);
}

void add_network_inspect(Command noun, Context& context) {
  auto flags = std::make_shared<NetworkInspectFlags>();
  Command command = noun.add_command("inspect", "Display detailed information on one or more networks");
  command.option("NETWORK", flags->networks, "Names or ids").required();
  command.option("-f,--format", flags->format, "json, or a Go template");
  command.flag("-v,--verbose", flags->verbose, "Diagnostics of swarms; without meaning here");
  command.runs(context, [&context, flags] {
    return show_objects(context, flags->networks, flags->format,
                        [&](const std::string& name) { return network_json(context, name); });
  });
}

}  // namespace berth::cli
