#include "engine/plan_network.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/endpoints.h"
#include "engine/joins.h"
#include "engine/network_driver.h"
#include "engine/predefined_network.h"
#include "netns/address.h"

namespace berth::engine {
namespace {

Plan problem(std::string message, std::string hint = "") {
  Plan plan;
  plan.problems.push_back(make_error(std::move(message), std::move(hint)));
  return plan;
}

bool attached(const ContainerRecord& record, const std::string& network) {
  const std::vector<AttachmentConfig>& attachments = record.config.attachments;
  return std::any_of(attachments.begin(), attachments.end(), [&](const auto& one) { return one.network == network; });
}

bool runs(const Container& container) {
  return container.live.alive() || container.live.ending() || container.live.status == Status::restarting;
}

const Container* find_container(const Observed& observed, const std::string& id) {
  auto hit = std::find_if(observed.containers.begin(), observed.containers.end(),
                          [&](const Container& one) { return one.record.id == id; });
  return hit == observed.containers.end() ? nullptr : &*hit;
}

/// Why nothing is connected to or disconnected from this container; empty: it may be.
std::string fixed_network(const ContainerRecord& record, const std::string& network) {
  const std::string& mode = record.config.network_mode;
  if (mode == "host" && network == "host")
    return "container cannot be disconnected from host network or connected to host network";
  if (mode == "host" || !joined(mode).empty()) {
    return "container sharing network namespace with another container or host cannot be connected to any other "
           "network";
  }
  return "";
}

/// The real name: predefined networks need no record.
Result<std::string> real_name(const Observed& observed, const std::string& name) {
  if (is_predefined(name)) return name;
  BERTH_TRY(const NetworkRecord* record, find_network(observed, name));
  return record->config.name;
}

/// Stops what uses the network, makes it anew, and starts again what is not in the stack.
class Replacement {
 public:
  Replacement(const Stack& stack, const Observed& observed, const NetworkConfig& network, Plan& plan)
      : stack_(stack), observed_(observed), network_(network), plan_(plan) {}

  void plan(const NetworkRecord& there, NetworkSteps& steps) {
    std::vector<const Container*> users;
    for (const Container& container : observed_.containers) {
      if (attached(container.record, network_.name) && runs(container)) users.push_back(&container);
    }
    if (!only_our_own(users)) return;
    const std::string why = fmt::format("network {} has changed", network_.name);
    std::vector<StepId> stops;
    for (const Container* user : users) {
      const std::string& id = user->record.id;
      if (!steps.stopped.contains(id))
        steps.stopped[id] = plan_.add(StopContainer{{user->record.name, id}, std::nullopt}, why);
      stops.push_back(steps.stopped[id]);
    }
    StepId removed = plan_.add(RemoveNetwork{network_.name, there.config}, "its definition has changed", stops);
    StepId made = plan_.add(CreateNetwork{network_}, "its definition has changed", {removed});
    steps.ready.push_back(made);
    for (const Container* user : users) {
      if (in_stack(*user)) continue;
      plan_.add(StartContainer{{user->record.name, user->record.id}}, why, {made, steps.stopped[user->record.id]});
    }
  }

 private:
  [[nodiscard]] bool in_stack(const Container& container) const {
    const std::string& service = container.record.service;
    return std::any_of(stack_.services.begin(), stack_.services.end(),
                       [&](const auto& s) { return s.name == service; });
  }

  bool only_our_own(const std::vector<const Container*>& users) {
    std::vector<std::string> others;
    for (const Container* user : users) {
      if (user->record.project != stack_.project || user->record.one_off) others.push_back(user->record.name);
    }
    if (others.empty()) return true;
    Error error = make_error(fmt::format("network {} has another definition now, but is still in use by {}",
                                         network_.name, join(others, ", ")),
                             "disconnect or stop what uses it: only the project's own containers are taken from it");
    if (!network_.place.empty()) error.context.push_back(network_.place);
    plan_.problems.push_back(std::move(error));
    return false;
  }

  const Stack& stack_;
  const Observed& observed_;
  const NetworkConfig& network_;
  Plan& plan_;
};

}  // namespace

Result<const NetworkRecord*> find_network(const Observed& observed, const std::string& name) {
  if (const NetworkRecord* exact = observed.network(name)) return exact;
  const NetworkRecord* found = nullptr;
  std::vector<std::string> names;
  for (const NetworkRecord& record : observed.networks) {
    names.push_back(record.config.name);
    if (name.empty() || !record.id.starts_with(name)) continue;
    if (found != nullptr)
      return make_error(fmt::format("network {} is ambiguous (2 matches found based on ID prefix)", printable(name)));
    found = &record;
  }
  if (found != nullptr) return found;
  std::optional<std::string> near = nearest(name, names);
  return make_error(fmt::format("network {} not found", printable(name)),
                    near ? fmt::format("did you mean \"{}\"?", *near) : "`berth network ls` lists them");
}

Plan plan_create_network(const NetworkConfig& network, const Observed& observed, bool again) {
  if (is_predefined(network.name))
    return problem(fmt::format("operation is not permitted on predefined {} network", network.name));
  if (observed.network(network.name) != nullptr)
    return again ? Plan() : problem(fmt::format("network with name {} already exists", printable(network.name)));
  NetworkDriver driver = read_driver(network);
  Plan plan;
  plan.problems = std::move(driver.errors);
  plan.warnings = std::move(driver.warnings);
  if (!mode_of(network).empty()) {
    plan.problems.push_back(
        make_error(fmt::format("only one instance of \"{}\" network is allowed", network.driver), "it is there"));
  }
  if (plan.problems.empty()) plan.add(CreateNetwork{network}, "network create");
  return plan;
}

Plan plan_remove_network(const std::string& name, const Observed& observed, bool again) {
  if (is_predefined(name)) return problem(fmt::format("{} is a pre-defined network and cannot be removed", name));
  Result<const NetworkRecord*> record = find_network(observed, name);
  Plan plan;
  if (!record) {
    if (!again) plan.problems.push_back(std::move(record).error());
    return plan;
  }
  const std::string& real = (*record)->config.name;
  std::vector<std::string> users;
  for (const Container& container : observed.containers) {
    if (container.live.alive() && attached(container.record, real)) users.push_back(container.record.name);
  }
  if (!users.empty()) {
    return problem(
        fmt::format("error while removing network: network {} id {} has active endpoints", real, (*record)->id),
        "of " + join(users, ", "));
  }
  plan.add(RemoveNetwork{real, std::nullopt}, "network rm");
  return plan;
}

Plan plan_connect(const Observed& observed, const ConnectOptions& options, bool again) {
  const Container* container = find_container(observed, options.container);
  if (container == nullptr) return problem("No such container: " + options.container.substr(0, 12));
  Result<std::string> name = real_name(observed, options.attachment.network);
  if (!name) return problem(name.error().message(), name.error().hint);
  const ContainerRecord& record = container->record;
  if (std::string why = fixed_network(record, *name); !why.empty()) return problem(std::move(why));
  if (*name == "host")
    return problem("container cannot be disconnected from host network or connected to host network");
  bool one_is_none = (*name == "none" && !record.config.attachments.empty()) || record.config.network_mode == "none";
  if (one_is_none) {
    return problem(
        "container cannot be connected to multiple networks with one of the networks in private (none) mode");
  }
  if (attached(record, *name)) {
    if (again) return {};
    return problem(fmt::format("endpoint with name {} already exists in network {}", record.name, *name));
  }
  EndpointOptions endpoint = read_endpoint_options(options.attachment.options);
  std::vector<std::string> addresses = options.attachment.link_local_ips;
  for (const std::string& wanted : {options.attachment.ipv4_address, options.attachment.ipv6_address}) {
    if (!wanted.empty()) addresses.push_back(wanted);
  }
  for (const std::string& address : addresses) {
    if (!netns::Address::parse(address))
      endpoint.errors.push_back(make_error("invalid IP address: " + printable(address)));
  }
  Plan plan;
  plan.problems = std::move(endpoint.errors);
  plan.warnings = std::move(endpoint.warnings);
  if (!plan.problems.empty()) return plan;
  AttachmentConfig attachment = options.attachment;
  attachment.network = *name;
  plan.add(ConnectNetwork{{record.name, record.id}, std::move(attachment)}, "network connect");
  return plan;
}

Plan plan_disconnect(const Observed& observed, const DisconnectOptions& options, bool again) {
  const Container* container = find_container(observed, options.container);
  if (container == nullptr) return problem("No such container: " + options.container.substr(0, 12));
  Result<std::string> name = real_name(observed, options.network);
  // A network that somebody has removed while the container was stopped.
  if (!name && attached(container->record, options.network)) name = options.network;
  if (!name) return problem(name.error().message(), name.error().hint);
  const ContainerRecord& record = container->record;
  if (std::string why = fixed_network(record, *name); !why.empty()) return problem(std::move(why));
  bool from_none = *name == "none" && record.config.network_mode == "none";
  if (!attached(record, *name) && !from_none) {
    if (again) return {};
    return problem(fmt::format("container {} is not connected to network {}", record.id, *name));
  }
  Plan plan;
  plan.add(DisconnectNetwork{{record.name, record.id}, *name}, "network disconnect");
  return plan;
}

void name_external_networks(Stack& stack, const Observed& observed) {
  for (NetworkConfig& network : stack.networks) {
    if (!network.external || is_predefined(network.name) || observed.network(network.name) != nullptr) continue;
    Result<const NetworkRecord*> record = find_network(observed, network.name);
    if (!record) continue;  // the plan says so
    const std::string id = std::exchange(network.name, (*record)->config.name);
    for (ServiceConfig& service : stack.services) {
      for (AttachmentConfig& attachment : service.container.attachments) {
        if (attachment.network == id) attachment.network = network.name;
      }
    }
  }
}

Error missing_external(const char* kind, const std::string& name, const std::string& place) {
  Error error = make_error(fmt::format("{} {} is declared as external, but does not exist", kind, name),
                           fmt::format("remove `external: true`, and the project makes its own {}", kind));
  if (!place.empty()) error.context.push_back(place);
  return error;
}

NetworkSteps plan_networks(const Stack& stack, const Observed& observed, Plan& plan) {
  NetworkSteps steps;
  for (const NetworkConfig& network : stack.networks) {
    if (!mode_of(network).empty() || is_predefined(network.name)) continue;
    const NetworkRecord* there = observed.network(network.name);
    if (there == nullptr) {
      if (network.external)
        plan.problems.push_back(missing_external("network", network.name, network.place));
      else
        steps.ready.push_back(plan.add(CreateNetwork{network}, "missing"));
    } else if (!network.external && there->project != stack.project) {
      plan.warnings.push_back(fmt::format(
          "a network with name {} exists but was not created for project \"{}\"; write `external: true` to use it",
          network.name, stack.project));
    } else if (!network.external && !same_network(there->config, network)) {
      Replacement(stack, observed, network, plan).plan(*there, steps);
    }
  }
  return steps;
}

std::string lost_network(const ContainerRecord& record, const ContainerConfig& wanted) {
  for (const AttachmentConfig& attachment : wanted.attachments) {
    if (!attached(record, attachment.network)) return attachment.network;
  }
  return "";
}

}  // namespace berth::engine
