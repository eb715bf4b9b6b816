#include "engine/lower.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "compose/graph.h"
#include "compose/select.h"
#include "netns/address.h"

namespace berth::engine {
namespace {

StringMap map_of(const compose::Pairs& pairs) {
  return {pairs.begin(), pairs.end()};
}

/// "0444"-like owners come as text in compose files.
uint32_t id_of(const std::optional<std::string>& text) {
  return static_cast<uint32_t>(text ? parse_unsigned(*text).value_or(0) : 0);
}

class Lowering {
 public:
  Lowering(const compose::Project& project, Diagnostics& diagnostics)
      : project_(project), diagnostics_(diagnostics), graph_(project) {}

  Stack stack(const std::vector<std::string>& services) {
    Stack stack;
    stack.project = project_.name;
    stack.working_dir = project_.working_dir;
    stack.config_files = project_.config_files;
    stack.environment_files = project_.environment_files;
    for (const std::string& name : services) stack.services.push_back(service(project_.services.at(name)));
    compose::UsedResources used = compose::used_resources(project_, services);
    for (const std::string& key : used.networks) stack.networks.push_back(network(key));
    for (const std::string& key : used.volumes) stack.volumes.push_back(volume(key));
    return stack;
  }

 private:
  NetworkConfig network(const std::string& key) {
    const compose::Network& n = project_.networks.at(key);
    NetworkConfig config;
    config.key = key;
    config.name = n.name;
    config.external = n.external;
    config.internal = n.internal.value_or(false);
    config.driver = n.driver.value_or("bridge");
    config.options = map_of(n.driver_opts);
    config.labels = map_of(n.labels);
    config.enable_ipv6 = n.enable_ipv6.value_or(false);
    config.place = n.span.str();
    if (n.ipam && !n.ipam->config.empty()) {
      const compose::IpamPool& pool = n.ipam->config.front();
      config.subnet = pool.subnet.value_or("");
      config.gateway = pool.gateway.value_or("");
      config.ip_range = pool.ip_range.value_or("");
      config.aux_addresses = map_of(pool.aux_addresses);
      if (n.ipam->config.size() > 1) {
        diagnostics_.error(
            n.span, fmt::format("network \"{}\" has several address pools; only one IPv4 pool is supported", key));
      }
    }
    return config;
  }

  VolumeConfig volume(const std::string& key) {
    const compose::Volume& v = project_.volumes.at(key);
    VolumeConfig config;
    config.key = key;
    config.name = v.name;
    config.external = v.external;
    config.driver = v.driver.value_or("local");
    config.options = map_of(v.driver_opts);
    config.labels = map_of(v.labels);
    config.place = v.span.str();
    if (!config.options.empty() && !v.external) {
      diagnostics_.error(v.span,
                         fmt::format("volume \"{}\": driver_opts of the local driver are not supported yet", key),
                         "bind-mount the directory in the service instead");
    }
    return config;
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
    network_side(s, c);
    storage(s, c);
    resources(s, c);
    security(s, c);
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
    if (s.healthcheck) c.health = health(*s.healthcheck);
    c.restart = restart(s);
    if (s.logging) {
      c.log.driver = s.logging->driver.value_or("");
      c.log.options = map_of(s.logging->options);
    }
    for (const auto& [name, limit] : s.ulimits) c.ulimits.push_back({name, limit.soft, limit.hard});
    c.sysctls = map_of(s.sysctls);
    c.oom_score_adj = s.oom_score_adj;
  }

  static HealthConfig health(const compose::Healthcheck& h) {
    HealthConfig config;
    config.test = h.test;
    if (h.disable.value_or(false)) config.test = {"NONE"};
    auto ns = [](const std::optional<Duration>& d) { return d ? std::optional<int64_t>(d->count()) : std::nullopt; };
    config.interval = ns(h.interval);
    config.timeout = ns(h.timeout);
    config.start_period = ns(h.start_period);
    config.start_interval = ns(h.start_interval);
    config.retries = h.retries;
    return config;
  }

  static RestartConfig restart(const compose::Service& s) {
    RestartConfig config;
    if (s.deploy && s.deploy->restart_policy) {  // wins over `restart`
      const compose::RestartPolicy& policy = *s.deploy->restart_policy;
      std::string condition = policy.condition.value_or("any");
      config.policy = condition == "none" ? "no" : condition == "on-failure" ? "on-failure" : "always";
      config.max_attempts = policy.max_attempts.value_or(0);
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

  void network_side(const compose::Service& s, ContainerConfig& c) {
    c.network_mode = s.network_mode.value_or("");
    if (!c.network_mode.empty() && c.network_mode != "none" && c.network_mode != "host" && c.network_mode != "bridge") {
      diagnostics_.error(s.place("network_mode"),
                         fmt::format("network_mode \"{}\" is not supported yet", c.network_mode),
                         "none and host are; or put both services on one network");
    }
    if (c.network_mode == "bridge") {
      diagnostics_.error(s.place("network_mode"),
                         "network_mode \"bridge\" (the engine's shared bridge) is not supported",
                         "leave it out: the project's default network is a bridge");
    }
    for (const auto& [key, attachment] : s.networks) {
      AttachmentConfig config;
      config.network = project_.networks.at(key).name;
      config.aliases = attachment.aliases;
      config.aliases.push_back(s.name);  // the service's own name, shared by its replicas
      config.ipv4_address = attachment.ipv4_address.value_or("");
      config.mac_address = mac_address(attachment.mac_address, attachment.span);
      config.priority = attachment.priority.value_or(0);
      c.attachments.push_back(std::move(config));
    }
    main_mac_address(s, c);
    for (const compose::Port& port : s.ports) c.ports.push_back(published(port));
    c.expose = s.expose;
    for (const auto& [name, address] : s.extra_hosts) c.extra_hosts.push_back(name + "=" + address);
    c.dns = s.dns;
    c.dns_search = s.dns_search;
    c.dns_options = s.dns_opt;
  }

  std::string mac_address(const std::optional<std::string>& text, const SourceSpan& span) {
    if (text && !netns::Mac::parse(*text)) {
      diagnostics_.error(span, fmt::format("\"{}\" is not a MAC address", *text), "write it like 02:42:ac:11:00:02");
    }
    return text.value_or("");
  }

  /// The service's own is that of its main network.
  void main_mac_address(const compose::Service& s, ContainerConfig& c) {
    std::string own = mac_address(s.mac_address, s.place("mac_address"));
    auto main = std::max_element(c.attachments.begin(), c.attachments.end(),
                                 [](const auto& a, const auto& b) { return a.priority < b.priority; });
    if (own.empty() || main == c.attachments.end()) return;
    if (!main->mac_address.empty() && main->mac_address != own) {
      diagnostics_.error(
          s.place("mac_address"),
          fmt::format("service \"{}\" has mac_address {}, and {} on its main network", s.name, own, main->mac_address));
    }
    main->mac_address = own;
  }

  PortConfig published(const compose::Port& port) {
    PortConfig config;
    config.host_ip = port.host_ip;
    config.container_port = port.target;
    config.protocol = port.protocol;
    config.place = port.span.str();
    if (port.protocol != "tcp" && port.protocol != "udp") {
      diagnostics_.error(port.span,
                         fmt::format("publishing a port with protocol \"{}\" is not supported", port.protocol),
                         "tcp and udp are");
    }
    std::vector<std::string> ends = split(port.published, '-');
    config.host_port = static_cast<uint16_t>(parse_unsigned(ends[0]).value_or(0));
    config.host_port_end =
        ends.size() > 1 ? static_cast<uint16_t>(parse_unsigned(ends[1]).value_or(0)) : config.host_port;
    return config;
  }

  void storage(const compose::Service& s, ContainerConfig& c) {
    for (const compose::Mount& mount : s.volumes) c.mounts.push_back(lower_mount(mount));
    for (const std::string& text : s.tmpfs) {
      MountConfig config;
      config.type = "tmpfs";
      size_t colon = text.find(':');
      config.target = text.substr(0, colon);
      if (colon != std::string::npos) config.tmpfs_options = text.substr(colon + 1);
      config.place = s.place("tmpfs").str();
      c.mounts.push_back(std::move(config));
    }
    for (const compose::FileGrant& grant : s.secrets) c.files.push_back(file(grant, project_.secrets, "/run/secrets/"));
    for (const compose::FileGrant& grant : s.configs) c.files.push_back(file(grant, project_.configs, "/"));
    c.read_only = s.read_only.value_or(false);
    c.shm_size = s.shm_size.value_or(0);
    for (const compose::Device& device : s.devices)
      c.devices.push_back({device.source, device.target, device.permissions});
    c.device_cgroup_rules = s.device_cgroup_rules;
  }

  MountConfig lower_mount(const compose::Mount& mount) {
    MountConfig config;
    config.type = std::string(compose::mount_type_name(mount.type));
    config.source = mount.source;
    config.target = mount.target;
    config.read_only = mount.read_only.value_or(false);
    config.place = mount.span.str();
    if (mount.type == compose::Mount::Type::volume && !mount.source.empty()) {
      config.source = project_.volumes.at(mount.source).name;
    }
    if (mount.type != compose::Mount::Type::bind && mount.type != compose::Mount::Type::volume &&
        mount.type != compose::Mount::Type::tmpfs) {
      diagnostics_.error(mount.span, fmt::format("mounts of type \"{}\" are not supported yet", config.type));
    }
    if (mount.bind) {
      config.create_host_path = mount.bind->create_host_path.value_or(true);
      config.propagation = mount.bind->propagation.value_or("");
      config.recursive = mount.bind->recursive.value_or("enabled") != "disabled";
    }
    if (mount.volume) {
      config.no_copy = mount.volume->nocopy.value_or(false);
      config.subpath = mount.volume->subpath.value_or("");
    }
    if (mount.tmpfs) {
      config.tmpfs_size = mount.tmpfs->size.value_or(0);
      config.tmpfs_mode = mount.tmpfs->mode;
    }
    return config;
  }

  FileMount file(const compose::FileGrant& grant, const std::map<std::string, compose::FileObject>& objects,
                 const std::string& directory) {
    const compose::FileObject& object = objects.at(grant.source);
    FileMount mount;
    std::string target = grant.target.empty() ? grant.source : grant.target;
    mount.target = target.front() == '/' ? target : directory + target;
    mount.uid = id_of(grant.uid);
    mount.gid = id_of(grant.gid);
    mount.mode = grant.mode.value_or(0444);
    if (object.file) mount.source_path = *object.file;
    mount.content = object.content;
    if (object.value) {
      mount.content = object.value;
    } else if (object.environment) {
      auto value = project_.environment.find(*object.environment);
      if (value != project_.environment.end())
        mount.content = value->second;
      else {
        diagnostics_.error(grant.span, fmt::format("environment variable \"{}\" required by \"{}\" is not set",
                                                   *object.environment, grant.source));
      }
    }
    if (object.external) {
      diagnostics_.error(object.span,
                         fmt::format("external secrets and configs are not supported (\"{}\")", grant.source),
                         "use file, environment or content");
    }
    return mount;
  }

  static void resources(const compose::Service& s, ContainerConfig& c) {
    ResourceConfig& r = c.resources;
    r.memory = s.mem_limit.value_or(0);
    r.memory_swap = s.memswap_limit.value_or(0);
    r.memory_reservation = s.mem_reservation.value_or(0);
    r.cpu_quota = s.cpu_quota.value_or(0);
    r.cpu_period = s.cpu_period.value_or(0);
    r.cpu_shares = s.cpu_shares.value_or(0);
    r.cpuset = s.cpuset.value_or("");
    r.pids = s.pids_limit.value_or(0);
    double cpus = s.cpus.value_or(0);
    if (s.deploy && s.deploy->resources) {
      if (const auto& limits = s.deploy->resources->limits) {
        cpus = limits->cpus.value_or(cpus);
        r.memory = limits->memory.value_or(r.memory);
        r.pids = limits->pids.value_or(r.pids);
      }
      if (const auto& reserved = s.deploy->resources->reservations) {
        r.memory_reservation = reserved->memory.value_or(r.memory_reservation);
      }
    }
    r.nano_cpus = std::llround(cpus * 1e9);
  }

  void security(const compose::Service& s, ContainerConfig& c) {
    c.cap_add = s.cap_add;
    c.cap_drop = s.cap_drop;
    c.privileged = s.privileged.value_or(false);
    c.security_opt = s.security_opt;
    c.pid_mode = s.pid.value_or("");
    c.ipc_mode = s.ipc.value_or("");
    c.uts_mode = s.uts.value_or("");
    c.cgroup_mode = s.cgroup.value_or("");
    c.userns_mode = s.userns_mode.value_or("");
    shared_namespace(s, "pid", c.pid_mode);
    shared_namespace(s, "ipc", c.ipc_mode);
  }

  /// Namespaces of other containers cannot be joined yet; that must not pass for one of its own.
  void shared_namespace(const compose::Service& s, std::string_view attribute, const std::string& mode) {
    if (mode.empty() || mode == "host" || mode == "private" || mode == "shareable") return;
    diagnostics_.error(s.place(attribute), fmt::format("{} \"{}\" is not supported yet", attribute, mode),
                       "host and private are");
  }

  const compose::Project& project_;
  Diagnostics& diagnostics_;
  compose::StartGraph graph_;
};

}  // namespace

Stack lower(const compose::Project& project, const std::vector<std::string>& services, Diagnostics& diagnostics) {
  return Lowering(project, diagnostics).stack(services);
}

}  // namespace berth::engine
