#pragma once

// Plans of the network commands.

#include <string>

#include "engine/plan.h"
#include "engine/plan_up.h"

namespace berth::engine {

/// By name, else by id or the beginning of one. Docker's error if there is none, or several.
[[nodiscard]] Result<const NetworkRecord*> find_network(const Observed& observed, const std::string& name);

// Where a command is sent again because the supervisor died over it (`again`), what it asks for may be done already.

[[nodiscard]] Plan plan_create_network(const NetworkConfig& network, const Observed& observed, bool again);
/// Containers that do not run do not count as users.
[[nodiscard]] Plan plan_remove_network(const std::string& name, const Observed& observed, bool again);

/// `container`: id.
struct ConnectOptions {
  std::string container;
  AttachmentConfig attachment;
};
[[nodiscard]] Plan plan_connect(const Observed& observed, const ConnectOptions& options, bool again);

struct DisconnectOptions {
  std::string container, network;
};
[[nodiscard]] Plan plan_disconnect(const Observed& observed, const DisconnectOptions& options, bool again);

/// External networks that the stack names by their id get their name.
void name_external_networks(Stack& stack, const Observed& observed);

}  // namespace berth::engine
