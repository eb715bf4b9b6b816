#include "engine/pre_start.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::engine {

std::string pre_start_name(const std::string& project, const std::string& service, size_t hook) {
  return fmt::format("{}-{}-pre_start-{}", project, service, hook);
}

std::string pre_start_lender(const std::string& service) {
  return "service:" + service;
}

ServiceConfig pre_start_service(const ServiceConfig& service, size_t hook, bool borrows) {
  const HookConfig& wanted = service.container.pre_start.at(hook);
  ServiceConfig made = service;
  made.container_name.clear();
  made.replicas = 1;
  ContainerConfig& c = made.container;
  if (!wanted.image.empty()) c.image = wanted.image;
  c.entrypoint.reset();
  c.command.reset();
  if (!wanted.command.empty()) c.command = wanted.command;
  for (const std::string& entry : wanted.environment) {
    size_t equals = entry.find('=');
    c.environment.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  if (!wanted.user.empty()) c.user = wanted.user;
  if (!wanted.working_dir.empty()) c.working_dir = wanted.working_dir;
  c.privileged = c.privileged || wanted.privileged;
  c.tty = c.stdin_open = false;
  c.ports.clear();
  c.health.emplace().test = {"NONE"};
  c.restart = {};
  c.pre_start.clear();
  c.post_start.clear();
  c.pre_stop.clear();
  if (borrows) {
    std::erase_if(c.mounts, [](const MountConfig& mount) { return mount.type != "tmpfs"; });
    c.volumes_from = {{pre_start_lender(service.name), false}};
  }
  return made;
}

std::map<size_t, const Container*> pre_starts_there(const std::string& project, const Observed& observed,
                                                    const std::string& service) {
  std::map<size_t, const Container*> found;
  for (const Container& container : observed.containers) {
    const ContainerRecord& r = container.record;
    if (r.pre_start && r.project == project && r.service == service) found[*r.pre_start] = &container;
  }
  return found;
}

}  // namespace berth::engine
