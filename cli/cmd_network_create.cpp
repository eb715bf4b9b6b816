#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/network_commands.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/request.h"
#include "netns/address.h"

namespace berth::cli {
namespace {

struct NetworkCreateFlags {
  std::string name, driver = "bridge", ipam_driver = "default", scope, config_from;
  std::vector<std::string> subnets, gateways, ranges, aux, options, labels;
  bool internal = false, attachable = false, ipv4 = true, ipv6 = false, ingress = false, config_only = false;
};

/// "NAME=VALUE"; without "=" the value is empty.
/// What only a swarm has.
Status refuse_swarm(const NetworkCreateFlags& flags) {
  const std::pair<const char*, bool> kThere[] = {{"--ingress", flags.ingress},
                                                 {"--config-only", flags.config_only},
                                                 {"--config-from", !flags.config_from.empty()},
                                                 {"--scope", !flags.scope.empty() && flags.scope != "local"}};
  for (const auto& [flag, there] : kThere) {
    if (there) return make_error(fmt::format("{} is for swarm, and there is none", flag));
  }
  if (flags.ipam_driver != "default")
    return make_error(fmt::format("there is no ipam driver \"{}\"", printable(flags.ipam_driver)), "expected default");
  return {};
}

/// The pool whose subnet has this address or range in it.
Result<engine::IpamConfig*> pool_of(const std::string& text, const char* what, engine::NetworkConfig& network) {
  const auto subnet = netns::Subnet::parse(text);
  const auto address = netns::Address::parse(text);
  if (network.ipam.empty()) return make_error("every ip-range or gateway must have a corresponding subnet");
  for (engine::IpamConfig& pool : network.ipam) {
    const auto whole = netns::Subnet::parse(pool.subnet);
    if ((subnet && whole->contains(*subnet)) || (address && whole->contains(*address))) return &pool;
  }
  return make_error(fmt::format("no matching subnet for {} {}", what, printable(text)));
}

Status add_addresses(const NetworkCreateFlags& flags, engine::NetworkConfig& network) {
  for (const std::string& subnet : flags.subnets) {
    if (!netns::Subnet::parse(subnet))
      return make_error(fmt::format("invalid subnet {}: invalid CIDR block notation", printable(subnet)),
                        "expected one like 172.30.0.0/24");
    network.ipam.emplace_back().subnet = subnet;
    if (subnet.find(':') != std::string::npos) network.enable_ipv6 = true;
  }
  for (const std::string& text : flags.ranges) {
    BERTH_TRY(engine::IpamConfig * pool, pool_of(text, "range", network));
    pool->ip_range = text;
  }
  for (const std::string& text : flags.gateways) {
    BERTH_TRY(engine::IpamConfig * pool, pool_of(text, "gateway", network));
    pool->gateway = text;
  }
  for (const auto& [name, address] : pairs_of(flags.aux)) {
    BERTH_TRY(engine::IpamConfig * pool, pool_of(address, "aux-address", network));
    pool->aux_addresses[name] = address;
  }
  return {};
}

int create(const Context& context, const NetworkCreateFlags& flags) {
  engine::NetworkConfig network;
  network.name = flags.name;
  network.driver = flags.driver;
  network.internal = flags.internal;
  network.attachable = flags.attachable;
  network.enable_ipv4 = flags.ipv4;
  network.enable_ipv6 = flags.ipv6;
  network.options = pairs_of(flags.options);
  network.labels = pairs_of(flags.labels);
  Status understood = refuse_swarm(flags);
  if (understood) understood = add_addresses(flags, network);
  if (!understood) return report(context, understood);
  const Context quiet = without_progress(context);
  if (int code = carry_out(quiet, engine::to_message(engine::CreateNetworkRequest{network})); code != 0) return code;
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  const engine::NetworkRecord* made = observed.network(network.name);
  if (made == nullptr) return report(context, make_error("network " + network.name + " has been removed meanwhile"));
  fmt::print("{}\n", made->id);
  return 0;
}

}  // namespace

void add_network_create(Command noun, Context& context) {
  auto flags = std::make_shared<NetworkCreateFlags>();
  Command command = noun.add_command("create", "Create a network");
  command.option("NETWORK", flags->name, "Name").required();
  command.flag("--attachable", flags->attachable, "Enable manual container attachment (always possible)");
  command.option("--aux-address", flags->aux, "Addresses that no container gets: NAME=ADDRESS");
  command.option("--config-from", flags->config_from).hidden();
  command.flag("--config-only", flags->config_only).hidden();
  command.option("-d,--driver", flags->driver, "Driver to manage the network: bridge, macvlan, ipvlan");
  command.option("--gateway", flags->gateways, "IPv4 or IPv6 gateway for the subnet");
  command.flag("--ingress", flags->ingress).hidden();
  command.flag("--internal", flags->internal, "Restrict external access to the network");
  command.option("--ip-range", flags->ranges, "Allocate container ip from a sub-range");
  command.option("--ipam-driver", flags->ipam_driver, "IP address management driver: default");
  command.ignore_option("--ipam-opt");  // the default driver has none
  command.flag("--ipv4", flags->ipv4, "Enable IPv4 address assignment (true unless =false)");
  command.flag("--ipv6", flags->ipv6, "Enable IPv6 address assignment");
  command.option("--label", flags->labels, "Set metadata on the network");
  command.option("-o,--opt", flags->options, "Set driver specific options");
  command.option("--scope", flags->scope).hidden();
  command.option("--subnet", flags->subnets, "Subnet in CIDR format that represents a network segment");
  command.runs(context, [&context, flags] { return create(context, *flags); });
}

}  // namespace berth::cli
