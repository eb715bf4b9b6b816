// The `network` noun: what its commands have in common, and `rm`.

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/network_commands.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/predefined_network.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

struct NetworkRemoveFlags {
  std::vector<std::string> networks;
  bool force = false;
};

/// Each that can go goes, whatever becomes of the others; by force, what is not there is no failure.
int remove(const Context& context, const NetworkRemoveFlags& flags) {
  const Context quiet = without_progress(context);
  int code = 0;
  for (const std::string& network : flags.networks) {
    if (flags.force && !engine::is_predefined(network)) {
      const engine::Observed observed = engine::StateStore(context.paths).observe();
      if (!engine::find_network(observed, network)) continue;
    }
    if (carry_out(quiet, engine::to_message(engine::RemoveNetworkRequest{network})) == 0)
      fmt::print("{}\n", printable(network));
    else
      code = 1;
    std::fflush(stdout);
  }
  return code;
}

void add_network_rm(Command noun, Context& context) {
  auto flags = std::make_shared<NetworkRemoveFlags>();
  Command command = noun.add_command("rm", "Remove one or more networks").alias("remove");
  command.option("NETWORK", flags->networks, "Names or ids").required();
  command.flag("-f,--force", flags->force, "Do not error if the network does not exist");
  command.runs(context, [&context, flags] { return remove(context, *flags); });
}

}  // namespace

std::vector<engine::NetworkRecord> all_networks(const Context& context, const engine::Observed& observed) {
  std::vector<engine::NetworkRecord> networks = observed.networks;
  for (const char* name : {"bridge", "host", "none"}) {
    if (observed.network(name) == nullptr) networks.push_back(engine::predefined_record(context.paths, name));
  }
  std::sort(networks.begin(), networks.end(),
            [](const auto& a, const auto& b) { return a.config.name < b.config.name; });
  return networks;
}

std::vector<NetworkUser> users_of(const engine::NetworkRecord& network, const engine::Observed& observed) {
  const std::string& name = network.config.name;
  std::vector<NetworkUser> users;
  for (const engine::Container& container : observed.containers) {
    if (!container.live.alive()) continue;
    if (container.record.config.network_mode == name) users.push_back({&container, {}});
    for (const engine::EndpointState& endpoint : container.live.endpoints) {
      if (endpoint.network == name) users.push_back({&container, endpoint});
    }
  }
  return users;
}

engine::StringMap pairs_of(const std::vector<std::string>& texts) {
  engine::StringMap pairs;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    pairs[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  return pairs;
}

std::string driver_of(const engine::NetworkRecord& network) {
  const std::string& driver = network.config.driver;
  return driver.empty() || driver == "default" ? "bridge" : driver;
}

void add_networks(Command app, Context& context) {
  Command network = app.noun("network");
  add_network_connect(network, context);
  add_network_create(network, context);
  add_network_inspect(network, context);
  add_network_ls(network, context);
  add_network_prune(network, context);
  add_network_rm(network, context);
}

}  // namespace berth::cli
