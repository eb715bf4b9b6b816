#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/project.h"
#include "cli/published.h"

namespace berth::cli {
namespace {

struct PortFlags {
  ContainerChoice container;
  std::string port, protocol = "tcp";
};

Result<std::pair<uint16_t, std::string>> wanted_port(const PortFlags& flags) {
  size_t slash = flags.port.find('/');
  std::string protocol = slash == std::string::npos ? flags.protocol : flags.port.substr(slash + 1);
  std::optional<unsigned long long> number = parse_unsigned(flags.port.substr(0, slash));
  if (!number || *number == 0 || *number > UINT16_MAX || (protocol != "tcp" && protocol != "udp" && protocol != "sctp"))
    return make_error("\"" + printable(flags.port) + "\": expected a port such as 80, 53/udp");
  return std::pair(static_cast<uint16_t>(*number), protocol);
}

/// Compose prints the first address alone, Docker all of them.
Status print_port(const Context& context, const PortFlags& flags) {
  BERTH_TRY(engine::Container container, find_container(context, flags.container));
  BERTH_TRY(auto wanted, wanted_port(flags));
  if (!container.live.alive()) return make_error("container " + container.record.name + " is not running");
  bool found = false;
  std::vector<std::string> known;
  for (const engine::PublishedPort& port : bindings(container)) {
    known.push_back(fmt::format("{}/{}->{}", port.container_port, port.protocol, host_address(port)));
    if (port.container_port != wanted.first || port.protocol != wanted.second) continue;
    if (!found || !flags.container.of_service) fmt::print("{}\n", host_address(port));
    found = true;
  }
  if (found) return {};
  std::string text = known.empty() ? "it publishes none" : "it publishes " + join(known, ", ");
  return make_error(
      fmt::format("no port {}/{} for container {}: {}", wanted.first, wanted.second, container.record.name, text));
}

Status print_all(const Context& context, const PortFlags& flags) {
  BERTH_TRY(engine::Container container, find_container(context, flags.container));
  for (const engine::PublishedPort& port : bindings(container))
    fmt::print("{}/{} -> {}\n", port.container_port, port.protocol, host_address(port));
  return {};
}

}  // namespace

void add_port(Command app, Context& context) {
  auto flags = std::make_shared<PortFlags>();
  Command command = app.add_command("port", "Print the public port for a port binding");
  choose_container(command, flags->container, true);
  command.option("PRIVATE_PORT", flags->port, "Port inside the container").required();
  command.option("--protocol", flags->protocol, "tcp, udp or sctp").one_of({"tcp", "udp", "sctp"});
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return report(context, print_port(context, *flags)); });
}

void add_container_port(Command noun, Context& context) {
  auto flags = std::make_shared<PortFlags>();
  Command command = noun.add_command("port", "List port mappings or a specific mapping for the container");
  choose_container(command, flags->container, false);
  command.option("PRIVATE_PORT", flags->port, "PORT[/PROTOCOL] inside the container; all if missing");
  command.runs(context, [&context, flags] {
    return report(context, flags->port.empty() ? print_all(context, *flags) : print_port(context, *flags));
  });
}

}  // namespace berth::cli
