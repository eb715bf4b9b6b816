#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "compose/lint_rules.h"
#include "compose/select.h"

namespace berth::compose {
namespace {

constexpr Duration kLongInterval = std::chrono::seconds(20);

/// What the merged files say of a service, or nullptr.
const Tree* service_tree(const LintInput& input, const std::string& name) {
  const Tree* services = input.model.tree.find("services");
  return services == nullptr ? nullptr : services->find(name);
}

bool is_checked(const Service& service) {
  if (!service.healthcheck || service.healthcheck->disable.value_or(false)) return false;
  const Strings& test = service.healthcheck->test;
  return !test.empty() && test.front() != "NONE";
}

void appended_port(const LintInput& input, const Report& report) {
  for (const auto& [name, service] : input.project.services) {
    for (size_t i = 0; i < service.ports.size(); ++i) {
      const Port& later = service.ports[i];
      auto same_port = [&](const Port& port) {
        return port.target == later.target && port.protocol == later.protocol && port.host_ip == later.host_ip &&
               port.span.known() && later.span.known() && port.span.file->name != later.span.file->name;
      };
      auto end = service.ports.begin() + static_cast<long>(i);
      auto earlier = std::find_if(service.ports.begin(), end, same_port);
      if (earlier == end) continue;
      report(later.span,
             fmt::format("port {} of \"{}\" is published as {} too, by {}: lists of several files are put together",
                         later.target, name, earlier->published.empty() ? "any free port" : earlier->published,
                         earlier->span.str()),
             "write `ports: !override` to replace the earlier list");
    }
  }
}

void slow_readiness(const LintInput& input, const Report& report) {
  for (const auto& [name, service] : input.project.services) {
    if (!is_checked(service) || service.healthcheck->start_period || service.healthcheck->start_interval) continue;
    if (!service.healthcheck->interval || *service.healthcheck->interval < kLongInterval) continue;
    const Tree* tree = service_tree(input, name);
    const Tree* check = tree == nullptr ? nullptr : tree->find("healthcheck");
    const Tree* interval = check == nullptr ? nullptr : check->find("interval");
    report(interval == nullptr ? service.place("healthcheck") : interval->span,
           fmt::format("\"{}\" is probed every {} and has no start_period: Docker Compose sees it ready that late, and "
                       "slow starts count as failures",
                       name, format_duration(*service.healthcheck->interval)),
           "add start_period: 30s and start_interval: 1s");
  }
}

void waits_for_start_only(const LintInput& input, const Report& report) {
  for (const auto& [name, service] : input.project.services) {
    const Tree* tree = service_tree(input, name);
    const Tree* written = tree == nullptr ? nullptr : tree->find("depends_on");
    for (const Member& member : written == nullptr ? std::vector<Member>{} : written->members) {
      auto target = input.project.services.find(member.key);
      if (target == input.project.services.end() || !is_checked(target->second)) continue;
      const Tree* condition = member.value.find("condition");
      if (condition == nullptr || condition->text != "service_started") continue;
      const WrittenScalar* scalar = input.written.at(condition->span);
      if (scalar != nullptr && scalar->value.text == "service_started") continue;  // somebody chose it
      report(condition->span,
             fmt::format("\"{}\" does not wait until \"{}\" is healthy, only until it is started", name, member.key),
             "write condition: service_healthy");
    }
  }
}

void floating_image(const LintInput& input, const Report& report) {
  for (const auto& [name, service] : input.project.services) {
    if (!service.image || service.build || service.image->find('@') != std::string::npos) continue;
    size_t colon = service.image->rfind(':');
    bool tagged = colon != std::string::npos && service.image->find('/', colon) == std::string::npos;
    if (tagged && service.image->substr(colon) != ":latest") continue;
    report(service.place("image"),
           fmt::format("the image {} {}: what it is changes from one pull to the next", *service.image,
                       tagged ? "is whatever is latest" : "has no tag, so it is whatever is latest"),
           "name a version");
  }
}

void restarted_job(const LintInput& input, const Report& report) {
  std::set<std::string> jobs;
  for (const auto& [name, service] : input.project.services) {
    for (const auto& [target, dependency] : service.depends_on) {
      if (dependency.condition == Condition::service_completed_successfully) jobs.insert(target);
    }
  }
  for (const std::string& name : jobs) {
    auto job = input.project.services.find(name);
    if (job == input.project.services.end() || !job->second.restart) continue;
    Restart::Mode mode = job->second.restart->mode;
    if (mode != Restart::Mode::always && mode != Restart::Mode::unless_stopped) continue;
    report(job->second.place("restart"),
           fmt::format("others wait for \"{}\" to complete, but it is started again each time it ends", name),
           "write restart: \"no\" or on-failure");
  }
}

void fixed_name(const LintInput& input, const Report& report) {
  for (const auto& [name, service] : input.project.services) {
    if (!service.container_name) continue;
    bool scaled = service.scale || (service.deploy && service.deploy->replicas);
    report(service.place("container_name"),
           scaled ? fmt::format("\"{}\" has a container_name, so it cannot have more containers than one", name)
                  : fmt::format("container_name of \"{}\" stands in the way of a second copy of the project and of "
                                "--scale",
                                name),
           "leave it out: other services find this one by its service name");
  }
}

template <class Object>
void report_unused(const std::map<std::string, Object>& objects, const std::vector<std::string>& used, const char* kind,
                   const Report& report) {
  for (const auto& [name, object] : objects) {
    bool needed = std::find(used.begin(), used.end(), name) != used.end();
    if (needed || name == "default") continue;
    report(object.span, fmt::format("no service uses the {} \"{}\"", kind, name), "take it out, or use it");
  }
}

void unused_resource(const LintInput& input, const Report& report) {
  std::vector<std::string> services;
  for (const auto& [name, unused] : input.project.services) services.push_back(name);
  UsedResources used = used_resources(input.project, services);
  report_unused(input.project.networks, used.networks, "network", report);
  report_unused(input.project.volumes, used.volumes, "volume", report);
  report_unused(input.project.secrets, used.secrets, "secret", report);
  report_unused(input.project.configs, used.configs, "config", report);
}

constexpr LintRule kServiceRules[] = {
    {"appended-port", "an override that adds to the ports of an earlier file", appended_port},
    {"slow-readiness", "a health check with a long interval and no start_period", slow_readiness},
    {"waits-for-start-only", "depends_on without a condition on a service with a health check", waits_for_start_only},
    {"floating-image", "an image without a tag, or latest", floating_image},
    {"restarted-job", "a restart policy on a service that others wait to complete", restarted_job},
    {"fixed-name", "container_name, which allows one container only", fixed_name},
    {"unused-resource", "a network, volume, secret or config that no service uses", unused_resource},
};

}  // namespace

std::span<const LintRule> rules_of_services() {
  return kServiceRules;
}

}  // namespace berth::compose
