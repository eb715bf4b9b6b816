#pragma once

// Plans of the network commands, and what `up` does about its networks.

#include <map>
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

/// What `up` does about the stack's networks.
struct NetworkSteps {
  std::vector<StepId> ready;              // what containers wait for
  std::map<std::string, StepId> stopped;  // containers (by id) that stand still while a network of theirs is made anew
};
/// Missing ones are made; those whose definition has changed are made anew, if only the project's own containers use
/// them. Problems and warnings go to the plan.
[[nodiscard]] NetworkSteps plan_networks(const Stack& stack, const Observed& observed, Plan& plan);

/// "network shop_back is declared as external, but does not exist", with its place.
[[nodiscard]] Error missing_external(const char* kind, const std::string& name, const std::string& place);

/// The network that the service's containers should be on and this one is not; empty: none.
[[nodiscard]] std::string lost_network(const ContainerRecord& record, const ContainerConfig& wanted);

}  // namespace berth::engine
