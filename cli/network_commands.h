#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "engine/state.h"

namespace berth::cli {

void add_networks(Command app, Context& context);

// What stands below `network`, one file each (cmd_network_NAME.cpp).
void add_network_ls(Command noun, Context& context);
void add_network_inspect(Command noun, Context& context);
void add_network_create(Command noun, Context& context);
void add_network_connect(Command noun, Context& context);  // and disconnect
void add_network_prune(Command noun, Context& context);

/// All networks, those that are always there among them, by name.
[[nodiscard]] std::vector<engine::NetworkRecord> all_networks(const Context& context, const engine::Observed& observed);

/// A container's place on a network: an empty address where it has none (host, none).
struct NetworkUser {
  const engine::Container* container;
  engine::EndpointState endpoint;
};
/// Containers that run and are on the network, by name.
[[nodiscard]] std::vector<NetworkUser> users_of(const engine::NetworkRecord& network, const engine::Observed& observed);

/// NAME=value flags; without a "=" the value is empty.
[[nodiscard]] engine::StringMap pairs_of(const std::vector<std::string>& texts);

/// A network as `docker network inspect` shows it. Error: none of that name or id.
[[nodiscard]] Result<nlohmann::ordered_json> network_json(const Context& context, const std::string& name);

/// "null" for `none`, as Docker calls it.
[[nodiscard]] std::string driver_of(const engine::NetworkRecord& network);

}  // namespace berth::cli
