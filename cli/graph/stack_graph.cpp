#include "cli/graph/stack_graph.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "compose/graph.h"
#include "compose/provider.h"
#include "compose/select.h"

namespace berth::cli::graph {
namespace {

/// Paths below the project directory as one would write them.
std::string short_path(const compose::Project& project, const std::string& path) {
  if (path == project.working_dir) return ".";
  const std::string folder = project.working_dir + "/";
  return path.starts_with(folder) ? "./" + path.substr(folder.size()) : path;
}

PublishedPort port_of(const compose::Port& port) {
  std::string host = port.published;
  const bool v6 = port.host_ip.find(':') != std::string::npos;
  if (!port.host_ip.empty()) host = (v6 ? "[" + port.host_ip + "]" : port.host_ip) + ":" + host;
  return {host, fmt::format("{}/{}", port.target, port.protocol)};
}

Mount mount_of(const compose::Project& project, const compose::Mount& mount) {
  const bool bind = mount.type == compose::Mount::Type::bind;
  return {mount.type, bind ? short_path(project, mount.source) : mount.source, mount.target,
          mount.read_only.value_or(false)};
}

Service service_of(const compose::Project& project, const compose::Service& from) {
  Service service;
  service.name = from.name;
  service.image = from.image.value_or("");
  if (from.build) service.context = short_path(project, from.build->context.value_or("."));
  if (compose::has_provider(from)) service.provider = compose::provider_of(from).type;
  service.replicas = from.replicas();
  for (const compose::Port& port : from.ports) service.ports.push_back(port_of(port));
  for (const auto& [key, unused] : from.networks) service.networks.push_back(key);
  service.network_mode = from.network_mode.value_or("");
  for (const compose::Mount& mount : from.volumes) service.mounts.push_back(mount_of(project, mount));
  for (const std::string& path : from.tmpfs)
    service.mounts.push_back({compose::Mount::Type::tmpfs, "", path.substr(0, path.find(':')), false});
  return service;
}

void connect(const compose::Project& project, StackGraph& graph) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < graph.services.size(); ++i) places[graph.services[i].name] = i;
  const compose::StartGraph starts(project);
  for (size_t i = 0; i < graph.services.size(); ++i) {
    for (const auto& [name, edge] : starts.dependencies(graph.services[i].name)) {
      const size_t other = places.at(name);
      graph.services[i].needs.push_back({other, edge.condition, edge.required, edge.restart, edge.implicit});
      graph.services[other].needed_by.push_back(i);
    }
  }
}

}  // namespace

Result<StackGraph> make_graph(const compose::Project& project, const std::vector<std::string>& names) {
  BERTH_TRY(std::vector<std::string> chosen, compose::select_services(project, names, compose::Follow::dependencies));
  StackGraph graph;
  graph.project = project.name;
  for (const std::string& name : chosen) graph.services.push_back(service_of(project, project.services.at(name)));
  connect(project, graph);
  const compose::UsedResources used = compose::used_resources(project, chosen);
  for (const std::string& key : used.networks) {
    const compose::Network& network = project.networks.at(key);
    graph.networks.push_back(
        {key, network.name, network.driver.value_or("bridge"), network.external, network.internal.value_or(false)});
  }
  for (const std::string& key : used.volumes) {
    const compose::Volume& volume = project.volumes.at(key);
    graph.volumes.push_back({key, volume.name, volume.driver.value_or("local"), volume.external});
  }
  return graph;
}

const char* condition_word(compose::Condition condition) {
  switch (condition) {
    case compose::Condition::service_started:
      return "started";
    case compose::Condition::service_healthy:
      return "healthy";
    case compose::Condition::service_completed_successfully:
      return "completed";
  }
  return "";
}

std::string origin_of(const Service& service) {
  if (!service.provider.empty()) return "provider " + service.provider;
  if (service.context.empty()) return service.image;
  const std::string built = "build " + service.context;
  return service.image.empty() ? built : service.image + " (" + built + ")";
}

std::string port_text(const PublishedPort& port, const std::string& arrow) {
  return (port.host.empty() ? "any port" : port.host) + " " + arrow + " " + port.container;
}

std::vector<std::string> members_of(const StackGraph& graph, const Network& network) {
  std::vector<std::string> names;
  for (const Service& service : graph.services) {
    if (std::find(service.networks.begin(), service.networks.end(), network.key) != service.networks.end())
      names.push_back(service.name);
  }
  return names;
}

std::vector<std::string> users_of(const StackGraph& graph, const Volume& volume) {
  std::vector<std::string> names;
  for (const Service& service : graph.services) {
    auto uses = [&](const Mount& mount) { return is_named_volume(mount) && mount.source == volume.key; };
    if (std::any_of(service.mounts.begin(), service.mounts.end(), uses)) names.push_back(service.name);
  }
  return names;
}

std::vector<Link> network_links(const StackGraph& graph) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < graph.networks.size(); ++i) places[graph.networks[i].key] = i;
  std::vector<Link> links;
  for (size_t i = 0; i < graph.services.size(); ++i) {
    for (const std::string& key : graph.services[i].networks) links.push_back({i, places.at(key), ""});
  }
  return links;
}

std::vector<Link> volume_links(const StackGraph& graph) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < graph.volumes.size(); ++i) places[graph.volumes[i].key] = i;
  std::vector<Link> links;
  for (size_t i = 0; i < graph.services.size(); ++i) {
    for (const Mount& mount : graph.services[i].mounts) {
      if (is_named_volume(mount)) links.push_back({i, places.at(mount.source), mount.target});
    }
  }
  return links;
}

std::vector<std::string> box_lines(const Service& service) {
  std::vector<std::string> lines{origin_of(service)};
  for (const PublishedPort& port : service.ports) lines.push_back(port_text(port, "→"));
  if (!service.network_mode.empty()) lines.push_back("network mode " + service.network_mode);
  return lines;
}

std::string box_title(const Service& service) {
  return service.replicas == 1 ? service.name : fmt::format("{} ×{}", service.name, service.replicas);
}

std::string gate_text(const Need& need) {
  const bool waits = need.condition != compose::Condition::service_started;
  if (need.required) return waits ? condition_word(need.condition) : "";
  return waits ? std::string(condition_word(need.condition)) + ", optional" : "optional";
}

bool is_named_volume(const Mount& mount) {
  return mount.type == compose::Mount::Type::volume && !mount.source.empty();
}

}  // namespace berth::cli::graph
