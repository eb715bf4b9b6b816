#include "compose/select.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "compose/graph.h"

namespace berth::compose {
namespace {

Error unknown_service(const Project& project, const std::string& name) {
  auto disabled = project.disabled_services.find(name);
  if (disabled != project.disabled_services.end()) {
    return make_error(fmt::format("service \"{}\" is not enabled", name),
                      fmt::format("enable it with --profile {}", disabled->second.profiles.front()));
  }
  std::vector<std::string> known;
  for (const auto& [key, unused] : project.services) known.push_back(key);
  for (const auto& [key, unused] : project.disabled_services) known.push_back(key);
  std::optional<std::string> near = nearest(name, known);
  return make_error(fmt::format("no such service: {}", name), near ? fmt::format("did you mean \"{}\"?", *near) : "");
}

template <class Keys>
std::vector<std::string> sorted(const Keys& keys) {
  return {keys.begin(), keys.end()};
}

}  // namespace

Result<std::vector<std::string>> select_services(const Project& project, const std::vector<std::string>& names,
                                                 Follow follow) {
  StartGraph graph(project);
  if (!graph.cycle().empty()) return make_error("services wait for each other: " + join(graph.cycle(), " -> "));
  std::set<std::string> chosen;
  std::vector<std::string> todo = names;
  for (const std::string& name : names) {
    if (!project.services.contains(name)) return unknown_service(project, name);
  }
  while (!todo.empty()) {
    std::string name = std::move(todo.back());
    todo.pop_back();
    if (!chosen.insert(name).second) continue;
    if (follow == Follow::dependencies) {
      for (const auto& [dependency, unused] : graph.dependencies(name)) todo.push_back(dependency);
    } else if (follow == Follow::dependents) {
      for (const std::string& dependent : graph.dependents(name)) todo.push_back(dependent);
    }
  }
  std::vector<std::string> order = graph.start_order();
  if (!names.empty()) std::erase_if(order, [&](const std::string& name) { return !chosen.contains(name); });
  return order;
}

UsedResources used_resources(const Project& project, const std::vector<std::string>& services) {
  std::set<std::string> networks, volumes, secrets, configs;
  for (const std::string& name : services) {
    const Service* service = project.find_service(name);
    if (service == nullptr) continue;
    for (const auto& [network, unused] : service->networks) networks.insert(network);
    for (const Mount& mount : service->volumes) {
      if (mount.type == Mount::Type::volume && !mount.source.empty()) volumes.insert(mount.source);
    }
    for (const FileGrant& grant : service->secrets) secrets.insert(grant.source);
    for (const FileGrant& grant : service->configs) configs.insert(grant.source);
    if (!service->build) continue;
    for (const FileGrant& grant : service->build->secrets) secrets.insert(grant.source);
  }
  return {sorted(networks), sorted(volumes), sorted(secrets), sorted(configs)};
}

}  // namespace berth::compose
