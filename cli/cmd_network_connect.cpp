#include <memory>

#include "cli/container_choice.h"
#include "cli/network_commands.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

struct NetworkConnectFlags {
  std::string network;
  ContainerChoice container;
  std::string ip, ip6;
  int64_t gw_priority = 0;
  std::vector<std::string> aliases, links, link_local_ips, options;
  bool force = false;
};

/// "NAME=VALUE", or for links "CONTAINER:ALIAS".
engine::AttachmentConfig attachment(const NetworkConnectFlags& flags) {
  engine::AttachmentConfig attachment;
  attachment.network = flags.network;
  attachment.aliases = flags.aliases;
  attachment.ipv4_address = flags.ip;
  attachment.ipv6_address = flags.ip6;
  attachment.link_local_ips = flags.link_local_ips;
  attachment.gw_priority = flags.gw_priority;
  attachment.options = pairs_of(flags.options);
  for (const std::string& link : flags.links) {
    const size_t colon = link.find(':');
    const std::string name = link.substr(0, colon);
    attachment.links[colon == std::string::npos ? name : link.substr(colon + 1)] = name;
  }
  return attachment;
}

int connect(const Context& context, const NetworkConnectFlags& flags) {
  Result<engine::Container> container = find_container(context, flags.container);
  if (!container) return report(context, std::move(container).error());
  const engine::ContainerRecord& record = container->record;
  engine::ConnectRequest request{engine::only(record), {record.id, attachment(flags)}};
  return carry_out(without_progress(context), engine::to_message(request));
}

int disconnect(const Context& context, const NetworkConnectFlags& flags) {
  Result<engine::Container> container = find_container(context, flags.container);
  if (!container) return report(context, std::move(container).error());
  const engine::ContainerRecord& record = container->record;
  engine::DisconnectRequest request{engine::only(record), {record.id, flags.network}};
  return carry_out(without_progress(context), engine::to_message(request));
}

}  // namespace

void add_network_connect(Command noun, Context& context) {
  auto flags = std::make_shared<NetworkConnectFlags>();
  Command command = noun.add_command("connect", "Connect a container to a network");
  command.option("NETWORK", flags->network, "Name or id").required();
  choose_container(command, flags->container, false);
  command.option("--alias", flags->aliases, "Add network-scoped alias for the container");
  command.option("--driver-opt", flags->options, "Driver options for the network");
  command.option("--gw-priority", flags->gw_priority,
                 "Highest gw-priority provides the default gateway. Accepts positive and negative values");
  command.option("--ip", flags->ip, "IPv4 address (e.g., 172.30.100.104)");
  command.option("--ip6", flags->ip6, "IPv6 address (e.g., 2001:db8::33)");
  command.option("--link", flags->links, "Add link to another container");
  command.option("--link-local-ip", flags->link_local_ips, "Add a link-local address for the container");
  command.runs(context, [&context, flags] { return connect(context, *flags); });

  auto less = std::make_shared<NetworkConnectFlags>();
  command = noun.add_command("disconnect", "Disconnect a container from a network");
  command.option("NETWORK", less->network, "Name or id").required();
  choose_container(command, less->container, false);
  command.flag("-f,--force", less->force, "Whatever the network is like; without meaning here");
  command.runs(context, [&context, less] { return disconnect(context, *less); });
}

}  // namespace berth::cli
