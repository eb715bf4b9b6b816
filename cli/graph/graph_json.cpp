#include <nlohmann/json.hpp>

#include "cli/graph/formats.h"

namespace berth::cli::graph {
namespace {

using Json = nlohmann::json;

Json json_of(const StackGraph& graph, const Service& service) {
  Json needs = Json::array(), ports = Json::array(), mounts = Json::array();
  for (const Need& need : service.needs) {
    needs.push_back({{"service", graph.services[need.service].name},
                     {"condition", std::string(compose::condition_name(need.condition))},
                     {"required", need.required},
                     {"restart", need.restart},
                     {"implicit", need.implicit}});
  }
  for (const PublishedPort& port : service.ports) ports.push_back({{"host", port.host}, {"container", port.container}});
  for (const Mount& mount : service.mounts) {
    mounts.push_back({{"type", std::string(compose::mount_type_name(mount.type))},
                      {"source", mount.source},
                      {"target", mount.target},
                      {"read_only", mount.read_only}});
  }
  return {{"name", service.name},
          {"image", service.image},
          {"build", service.context},
          {"provider", service.provider},
          {"replicas", service.replicas},
          {"depends_on", needs},
          {"ports", ports},
          {"networks", service.networks},
          {"network_mode", service.network_mode},
          {"volumes", mounts}};
}

}  // namespace

std::string to_json(const StackGraph& graph) {
  Json services = Json::array(), networks = Json::array(), volumes = Json::array();
  for (const Service& service : graph.services) services.push_back(json_of(graph, service));
  for (const Network& network : graph.networks) {
    networks.push_back({{"key", network.key},
                        {"name", network.name},
                        {"driver", network.driver},
                        {"external", network.external},
                        {"internal", network.internal},
                        {"services", members_of(graph, network)}});
  }
  for (const Volume& volume : graph.volumes) {
    volumes.push_back({{"key", volume.key},
                       {"name", volume.name},
                       {"driver", volume.driver},
                       {"external", volume.external},
                       {"services", users_of(graph, volume)}});
  }
  const Json json{{"project", graph.project},
                  {"services", std::move(services)},
                  {"networks", std::move(networks)},
                  {"volumes", std::move(volumes)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace berth::cli::graph
