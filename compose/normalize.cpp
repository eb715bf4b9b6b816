#include <algorithm>

#include "compose/graph.h"
#include "compose/passes.h"

namespace berth::compose {
namespace {

bool active(const Service& service, const Strings& profiles) {
  if (service.profiles.empty()) return true;
  auto has = [&](const std::string& name) {
    return std::find(profiles.begin(), profiles.end(), name) != profiles.end();
  };
  return has("*") || std::any_of(service.profiles.begin(), service.profiles.end(), has);
}

template <class Resource>
void fill_names(std::map<std::string, Resource>& resources, const std::string& project) {
  for (auto& [key, resource] : resources) {
    if (resource.name.empty()) resource.name = resource.external ? key : project + "_" + key;
  }
}

void attach_default_network(Project& project) {
  bool used = false;
  for (auto& [name, service] : project.services) {
    if (service.network_mode || !service.provider.is_null()) continue;
    if (service.networks.empty()) service.networks["default"].span = service.span;
    used = used || service.networks.contains("default");
  }
  if (used) project.networks.try_emplace("default");
}

void add_implicit_dependencies(Service& service) {
  for (const auto& [name, edge] : edges_of(service)) {
    if (!edge.implicit || name == service.name) continue;
    service.depends_on[name] = {edge.condition, edge.required, edge.restart, edge.span};
  }
}

void fill_variables(Env& variables, const Environment& environment) {
  for (auto& [name, value] : variables) {
    if (value) continue;
    if (auto found = environment.find(name); found != environment.end()) value = found->second;
  }
}

void normalize_service(Service& service, const Environment& environment) {
  add_implicit_dependencies(service);
  if (!service.build) return;
  Build& build = *service.build;
  fill_variables(build.args, environment);
  std::erase_if(build.args, [](const auto& argument) { return !argument.second; });
  if (!build.dockerfile && !build.dockerfile_inline) build.dockerfile = "Dockerfile";
}

}  // namespace

void apply_profiles(Project& project, const LoadRequest& request) {
  for (const std::string& name : request.services) {
    auto named = project.services.find(name);
    if (named == project.services.end()) continue;
    const Strings& own = named->second.profiles;
    project.profiles.insert(project.profiles.end(), own.begin(), own.end());
  }
  std::sort(project.profiles.begin(), project.profiles.end());
  project.profiles.erase(std::unique(project.profiles.begin(), project.profiles.end()), project.profiles.end());
  for (auto service = project.services.begin(); service != project.services.end();) {
    auto next = std::next(service);
    if (!active(service->second, project.profiles)) project.disabled_services.insert(project.services.extract(service));
    service = next;
  }
}

void normalize(Project& project) {
  for (auto& [name, service] : project.services) normalize_service(service, project.environment);
  attach_default_network(project);
  fill_names(project.networks, project.name);
  fill_names(project.volumes, project.name);
  fill_names(project.secrets, project.name);
  fill_names(project.configs, project.name);
}

}  // namespace berth::compose
