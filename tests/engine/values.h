#pragma once

// Stacks and observed containers made by hand, for the tests of the planner.

#include <algorithm>
#include <string>
#include <vector>

#include "engine/plan_down.h"
#include "engine/plan_up.h"

namespace berth::test {

inline engine::ServiceConfig service(const std::string& name) {
  engine::ServiceConfig config;
  config.name = name;
  config.container.image = "image-of-" + name;
  return config;
}

inline engine::ServiceConfig publishing(engine::ServiceConfig config, uint16_t host_port) {
  engine::PortConfig port;
  port.host_port = port.host_port_end = host_port;
  port.container_port = 80;
  config.container.ports.push_back(port);
  return config;
}

inline engine::ServiceConfig depending(engine::ServiceConfig config, const std::string& on,
                                       const std::string& condition = "service_started") {
  engine::DependencyConfig dependency;
  dependency.service = on;
  dependency.condition = condition;
  config.depends_on.push_back(dependency);
  return config;
}

inline engine::Stack stack_of(std::vector<engine::ServiceConfig> services) {
  engine::Stack stack;
  stack.project = "shop";
  stack.services = std::move(services);
  return stack;
}

/// The container that `up` of this service would have made, running.
inline engine::Container running(const engine::ServiceConfig& service, int64_t number = 1) {
  engine::Container container;
  engine::ContainerRecord& r = container.record;
  r.project = "shop";
  r.service = service.name;
  r.number = number;
  r.name = "shop-" + service.name + "-" + std::to_string(number);
  r.id = "id-of-" + r.name;
  r.config = service.container;
  r.config_hash = engine::config_hash(service);
  std::string& depends_on = r.labels["com.docker.compose.depends_on"];
  for (const engine::DependencyConfig& d : service.depends_on) {
    depends_on += (depends_on.empty() ? "" : ",") + d.service + ":" + d.condition + (d.restart ? ":true" : ":false");
  }
  container.live.status = engine::Status::running;
  container.live.process = {4711, 1};
  return container;
}

inline engine::Container exited(engine::Container container) {
  container.live.status = engine::Status::exited;
  container.live.process = {};
  return container;
}

inline engine::Container one_off(engine::Container container) {
  container.record.one_off = true;
  container.record.name += "-run";
  container.record.id += "-run";
  return container;
}

/// Its first dependency is one that it is restarted with.
inline engine::ServiceConfig restarting(engine::ServiceConfig config) {
  config.depends_on.front().restart = true;
  return config;
}

/// As if made from an older file.
inline engine::Container outdated(engine::Container container) {
  container.record.config_hash = "of an older configuration";
  return container;
}

inline engine::Observed observed_of(std::vector<engine::Container> containers) {
  engine::Observed observed;
  observed.containers = std::move(containers);
  return observed;
}

inline engine::NetworkConfig network(const std::string& name) {
  engine::NetworkConfig config;
  config.key = config.name = name;
  return config;
}

inline engine::NetworkRecord existing(const engine::NetworkConfig& config) {
  engine::NetworkRecord record;
  record.config = config;
  record.project = "shop";
  return record;
}

inline engine::VolumeConfig volume(const std::string& name) {
  engine::VolumeConfig config;
  config.key = config.name = name;
  return config;
}

/// Positions in a plan of the steps that act on `name` with that verb ("Start").
inline std::vector<engine::StepId> steps_of(const engine::Plan& plan, const std::string& verb,
                                            const std::string& name) {
  std::vector<engine::StepId> found;
  for (engine::StepId id = 0; id < plan.steps.size(); ++id) {
    engine::StepWords words = engine::words(plan.steps[id].action);
    if (words.verb == verb && words.name == name) found.push_back(id);
  }
  return found;
}

/// Whether `later` is behind `earlier` in the graph, directly or not.
inline bool comes_after(const engine::Plan& plan, engine::StepId later, engine::StepId earlier) {
  const std::vector<engine::StepId>& after = plan.steps[later].after;
  return std::any_of(after.begin(), after.end(),
                     [&](engine::StepId id) { return id == earlier || comes_after(plan, id, earlier); });
}

}  // namespace berth::test
