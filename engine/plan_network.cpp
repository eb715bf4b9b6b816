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

}  // namespace berth::engine
