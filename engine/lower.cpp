#include "engine/lower.h"

#include <fmt/core.h>

#include "compose/graph.h"
#include "compose/provider.h"
#include "compose/select.h"
#include "engine/logging.h"
#include "engine/lower_parts.h"
#include "engine/network_driver.h"

namespace berth::engine {
namespace {

std::optional<int64_t> in_ns(const std::optional<Duration>& duration) {
  return duration ? std::optional<int64_t>(duration->count()) : std::nullopt;
}

std::vector<std::string> native_test(const compose::NativeProbe& probe) {
  auto of = [](const char* kind, const compose::ProbeTarget& target) {
    return std::vector<std::string>{kind, target.host, std::to_string(target.port), target.path};
  };
  return probe.http ? of("HTTP", *probe.http) : probe.grpc ? of("GRPC", *probe.grpc) : of("TCP", *probe.tcp);
}

class StackLowering {
 public:
  StackLowering(const compose::Project& project, Diagnostics& diagnostics)
      : project_(project), diagnostics_(diagnostics), graph_(project) {}

  Stack stack(const std::vector<std::string>& services, bool all_resources) {
    Stack stack;
    stack.project = project_.name;
    stack.working_dir = project_.working_dir;
    stack.config_files = project_.config_files;
    stack.environment_files = project_.environment_files;
    for (const std::string& name : services) {
      const compose::Service& s = project_.services.at(name);
      if (!compose::has_provider(s)) stack.services.push_back(service(s));
    }
    compose::UsedResources used = compose::used_resources(project_, services);
    if (all_resources) {
      used.networks = keys_of(project_.networks);
      used.volumes = keys_of(project_.volumes);
    }
    for (const std::string& key : used.networks) stack.networks.push_back(network(key));
    for (const std::string& key : used.volumes) stack.volumes.push_back(lower_volume(project_, key, diagnostics_));
    return stack;
  }

 private:
  static std::vector<std::string> keys_of(const auto& map) {
    std::vector<std::string> keys;
    for (const auto& [key, unused] : map) keys.push_back(key);
    return keys;
  }

  NetworkConfig network(const std::string& key) {
    const compose::Network& n = project_.networks.at(key);
    NetworkConfig config;
    config.key = key;
    config.name = n.name;
    config.external = n.external;
    config.internal = n.internal.value_or(false);
    config.attachable = n.attachable.value_or(false);
    config.driver = n.driver.value_or("bridge");
    config.options = map_of(n.driver_opts);
    config.labels = map_of(n.labels);
    config.place = n.span.str();
    if (!n.external) {
      check_driver(config, n.span);
      lower_ipam(key, n, config, diagnostics_);
    }
    return config;
  }

  void check_driver(const NetworkConfig& config, const SourceSpan& span) {
    const NetworkDriver driver = read_driver(config);
    for (const Error& error : driver.errors) diagnostics_.error(span, error.what, error.hint);
    for (const std::string& warning : driver.warnings) diagnostics_.warning(span, warning);
  }

  ServiceConfig service(const compose::Service& s) {
    ServiceConfig config;
    config.name = s.name;
    config.container_name = s.container_name.value_or("");
    config.replicas = s.replicas();
    config.attach = s.attach.value_or(true);
    config.place = s.span.str();
    config.image_place = s.place("image").str();
    for (const auto& [name, edge] : graph_.dependencies(s.name)) {
      config.depends_on.push_back(
          {name, std::string(compose::condition_name(edge.condition)), edge.required, edge.restart, edge.span.str()});
    }
    ContainerConfig& c = config.container;
    c.image = s.image ? *s.image : project_.name + "-" + s.name;  // of what is built: Compose's name
    process(s, c);
    const Lowering part{project_, s, diagnostics_, c};
    lower_network(part);
    lower_storage(part);
    lower_resources(part);
    lower_security(part);
    lower_rollout(part, config);
    lower_logging(part);
    return config;
  }

  void process(const compose::Service& s, ContainerConfig& c) {
    c.command = s.command;
    c.entrypoint = s.entrypoint;
    c.environment = s.environment;
    c.user = s.user.value_or("");
    c.group_add = s.group_add;
    c.working_dir = s.working_dir.value_or("");
    c.hostname = s.hostname.value_or("");
    c.domainname = s.domainname.value_or("");
    c.tty = s.tty.value_or(false);
    c.stdin_open = s.stdin_open.value_or(false);
    c.init = s.init.value_or(false);
    c.labels = map_of(s.labels);
    c.annotations = map_of(s.annotations);
    c.stop_signal = s.stop_signal.value_or("");
    if (s.stop_grace_period) c.stop_grace_ns = s.stop_grace_period->count();
    c.health = health(s);
    c.restart = restart(s);
    for (const compose::Hook& one : s.pre_start) {
      c.pre_start.push_back(hook(one));
      if (one.per_replica.value_or(false))
        diagnostics_.error(s.place("pre_start"), "per_replica: true is not supported",
                           "a hook runs once for its service");
    }
    for (const compose::Hook& one : s.post_start) c.post_start.push_back(hook(one));
    for (const compose::Hook& one : s.pre_stop) c.pre_stop.push_back(hook(one));
    for (const auto& [name, limit] : s.ulimits) c.ulimits.push_back({name, limit.soft, limit.hard});
    c.sysctls = map_of(s.sysctls);
    c.oom_score_adj = s.oom_score_adj;
  }

  static std::optional<HealthConfig> health(const compose::Service& s) {
    bool strict = s.probing == "strict";
    if (!s.healthcheck && !strict) return std::nullopt;
    const compose::Healthcheck& h = s.healthcheck ? *s.healthcheck : compose::Healthcheck();
    HealthConfig config;
    config.strict = strict;
    config.test = h.probe ? native_test(*h.probe) : h.test;
    if (h.disable.value_or(false)) config.test = {"NONE"};
    config.interval = in_ns(h.interval);
    config.timeout = in_ns(h.timeout);
    config.start_period = in_ns(h.start_period);
    config.start_interval = in_ns(h.start_interval);
    config.retries = h.retries;
    config.restart_unhealthy = h.restart_unhealthy.value_or(false);
    return config;
  }

  static HookConfig hook(const compose::Hook& h) {
    HookConfig config;
    config.image = h.image.value_or("");
    config.command = h.command;
    for (const auto& [name, value] : h.environment) {
      if (value) config.environment.push_back(name + "=" + *value);
    }
    config.user = h.user.value_or("");
    config.working_dir = h.working_dir.value_or("");
    config.privileged = h.privileged.value_or(false);
    return config;
  }

  static RestartConfig restart(const compose::Service& s) {
    RestartConfig config;
    if (s.deploy && s.deploy->restart_policy) {  // wins over `restart`
      const compose::RestartPolicy& policy = *s.deploy->restart_policy;
      std::string condition = policy.condition.value_or("any");
      config.policy = condition == "none" ? "no" : condition == "on-failure" ? "on-failure" : "always";
      config.max_attempts = policy.max_attempts.value_or(0);
      config.delay_ns = in_ns(policy.delay);
      config.window_ns = in_ns(policy.window);
    } else if (s.restart) {
      switch (s.restart->mode) {
        case compose::Restart::Mode::no:
          config.policy = "no";
          break;
        case compose::Restart::Mode::always:
          config.policy = "always";
          break;
        case compose::Restart::Mode::on_failure:
          config.policy = "on-failure";
          break;
        case compose::Restart::Mode::unless_stopped:
          config.policy = "unless-stopped";
          break;
      }
      config.max_attempts = s.restart->max_retries.value_or(0);
    }
    return config;
  }

  const compose::Project& project_;
  Diagnostics& diagnostics_;
  compose::StartGraph graph_;
};

}  // namespace

StringMap map_of(const compose::Pairs& pairs) {
  return {pairs.begin(), pairs.end()};
}

Stack lower(const compose::Project& project, const std::vector<std::string>& services, Diagnostics& diagnostics,
            bool all_resources) {
  return StackLowering(project, diagnostics).stack(services, all_resources);
}

}  // namespace berth::engine
