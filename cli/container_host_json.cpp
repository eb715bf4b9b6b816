#include <algorithm>

#include "base/text.h"
#include "cli/container_json.h"
#include "runtime/spec.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string port_key(const engine::PortConfig& port) {
  return std::to_string(port.container_port) + "/" + port.protocol;
}

Json port_bindings(const std::vector<engine::PortConfig>& ports) {
  Json bindings = Json::object();
  for (const engine::PortConfig& port : ports) {
    const std::string range = port.host_port_end > port.host_port ? "-" + std::to_string(port.host_port_end) : "";
    const std::string host_port = port.host_port == 0 ? "" : std::to_string(port.host_port) + range;
    bindings[port_key(port)].push_back({{"HostIp", port.host_ip}, {"HostPort", host_port}});
  }
  return bindings;
}

Json binds(const std::vector<engine::MountConfig>& mounts) {
  Json binds = Json::array();
  for (const engine::MountConfig& mount : mounts) {
    if (mount.type == "bind") binds.push_back(mount.source + ":" + mount.target + (mount.read_only ? ":ro" : ":rw"));
  }
  return binds.empty() ? Json() : binds;
}

Json volume_mounts(const std::vector<engine::MountConfig>& mounts) {
  Json list = Json::array();
  for (const engine::MountConfig& mount : mounts) {
    if (mount.type != "volume") continue;
    Json one = {{"Type", "volume"}, {"Source", mount.source}, {"Target", mount.target}};
    if (mount.read_only) one["ReadOnly"] = true;
    one["VolumeOptions"] = Json::object();
    list.push_back(std::move(one));
  }
  return list;
}

Json tmpfs(const std::vector<engine::MountConfig>& mounts) {
  Json json = Json::object();
  for (const engine::MountConfig& mount : mounts) {
    if (mount.type != "tmpfs") continue;
    std::vector<std::string> options;
    if (mount.tmpfs_size > 0) options.push_back("size=" + std::to_string(mount.tmpfs_size));
    if (!mount.tmpfs_options.empty()) options.push_back(mount.tmpfs_options);
    json[mount.target] = join(options, ",");
  }
  return json;
}

Json ulimits(const std::vector<engine::UlimitConfig>& limits) {
  Json list = Json::array();
  for (const engine::UlimitConfig& limit : limits)
    list.push_back({{"Name", limit.name}, {"Hard", limit.hard}, {"Soft", limit.soft}});
  return list.empty() ? Json() : list;
}

Json devices(const std::vector<engine::DeviceConfig>& devices) {
  Json list = Json::array();
  for (const engine::DeviceConfig& device : devices) {
    list.push_back(
        {{"PathOnHost", device.source}, {"PathInContainer", device.target}, {"CgroupPermissions", device.permissions}});
  }
  return list.empty() ? Json() : list;
}

Json device_limits(const std::vector<engine::DeviceLimit>& limits, const char* what) {
  Json list = Json::array();
  for (const engine::DeviceLimit& limit : limits) list.push_back({{"Path", limit.device}, {what, limit.value}});
  return list.empty() ? Json() : list;
}

std::string network_mode(const engine::ContainerConfig& config) {
  if (!config.network_mode.empty()) return config.network_mode;
  return config.attachments.empty() ? "none" : config.attachments.front().network;
}

void add_resources(Json& json, const engine::ResourceConfig& resources) {
  const engine::BlkioConfig& blkio = resources.blkio;
  json.update({{"CpuShares", resources.cpu_shares},
               {"Memory", resources.memory},
               {"NanoCpus", resources.nano_cpus},
               {"CgroupParent", resources.parent},
               {"BlkioWeight", blkio.weight},
               {"BlkioWeightDevice", device_limits(blkio.weight_device, "Weight")},
               {"BlkioDeviceReadBps", device_limits(blkio.read_bps, "Rate")},
               {"BlkioDeviceWriteBps", device_limits(blkio.write_bps, "Rate")},
               {"BlkioDeviceReadIOps", device_limits(blkio.read_iops, "Rate")},
               {"BlkioDeviceWriteIOps", device_limits(blkio.write_iops, "Rate")},
               {"CpuPeriod", resources.cpu_period},
               {"CpuQuota", resources.cpu_quota},
               {"CpuRealtimePeriod", resources.cpu_rt_period},
               {"CpuRealtimeRuntime", resources.cpu_rt_runtime},
               {"CpusetCpus", resources.cpuset},
               {"CpusetMems", ""}});
}

/// "NAME:ADDRESS", as Docker's API has them.
Json extra_hosts(const engine::ContainerConfig& config) {
  std::vector<std::string> hosts = config.extra_hosts;
  for (std::string& host : hosts) {
    if (size_t equals = host.find('='); equals != std::string::npos) host[equals] = ':';
  }
  return list_or_null(hosts);
}

/// What a container may not see or change below /proc and /sys; nothing keeps a privileged one from it.
void add_system_paths(Json& json, const engine::ContainerConfig& config) {
  const bool open =
      config.privileged || std::any_of(config.security_opt.begin(), config.security_opt.end(), [](auto& option) {
        return option == "systempaths=unconfined" || option == "systempaths:unconfined";
      });
  json["MaskedPaths"] = open ? Json() : Json(runtime::default_masked_paths());
  json["ReadonlyPaths"] = open ? Json() : Json(runtime::default_read_only_paths());
}

}  // namespace

Json host_config_json(const engine::Container& container) {
  const engine::ContainerRecord& record = container.record;
  const engine::ContainerConfig& config = record.config;
  const engine::ResourceConfig& resources = config.resources;
  Json json = {
      {"Binds", binds(record.mounts)},
      {"ContainerIDFile", ""},
      {"LogConfig",
       {{"Type", config.log.driver.empty() ? "json-file" : config.log.driver}, {"Config", Json(config.log.options)}}},
      {"NetworkMode", network_mode(config)},
      {"PortBindings", port_bindings(config.ports)},
      {"RestartPolicy", {{"Name", config.restart.policy}, {"MaximumRetryCount", config.restart.max_attempts}}},
      {"AutoRemove", record.auto_remove},
      {"VolumeDriver", ""},
      {"VolumesFrom", nullptr},
      {"ConsoleSize", {0, 0}},
      {"CapAdd", list_or_null(config.cap_add)},
      {"CapDrop", list_or_null(config.cap_drop)},
      {"CgroupnsMode", config.cgroup_mode.empty() ? "private" : config.cgroup_mode},
      {"Dns", list_or_null(config.dns)},
      {"DnsOptions", list_or_null(config.dns_options)},
      {"DnsSearch", list_or_null(config.dns_search)},
      {"ExtraHosts", extra_hosts(config)},
      {"GroupAdd", list_or_null(config.group_add)},
      {"IpcMode", config.ipc_mode.empty() ? "private" : config.ipc_mode},
      {"Cgroup", ""},
      {"Links", nullptr},
      {"OomScoreAdj", config.oom_score_adj.value_or(0)},
      {"PidMode", config.pid_mode},
      {"Privileged", config.privileged},
      {"PublishAllPorts", false},
      {"ReadonlyRootfs", config.read_only},
      {"SecurityOpt", list_or_null(config.security_opt)}};
  if (Json mounts = tmpfs(record.mounts); !mounts.empty()) json["Tmpfs"] = std::move(mounts);
  constexpr int64_t kDefaultShm = 64 << 20;
  json.update({{"UTSMode", config.uts_mode},
               {"UsernsMode", config.userns_mode},
               {"ShmSize", config.shm_size > 0 ? config.shm_size : kDefaultShm}});
  if (!config.sysctls.empty()) json["Sysctls"] = config.sysctls;
  json.update({{"Runtime", "berth"}, {"Isolation", ""}});
  add_resources(json, resources);
  json.update({{"Devices", devices(config.devices)},
               {"DeviceCgroupRules", list_or_null(config.device_cgroup_rules)},
               {"DeviceRequests", nullptr},
               {"MemoryReservation", resources.memory_reservation},
               {"MemorySwap", resources.memory_swap == 0 ? 2 * resources.memory : resources.memory_swap},
               {"MemorySwappiness", resources.memory_swappiness ? Json(*resources.memory_swappiness) : Json()},
               {"OomKillDisable", resources.oom_kill_disable},
               {"PidsLimit", resources.pids == 0 ? Json() : Json(resources.pids)},
               {"Ulimits", ulimits(config.ulimits)}});
  if (Json mounts = volume_mounts(record.mounts); !mounts.empty()) json["Mounts"] = std::move(mounts);
  add_system_paths(json, config);
  if (config.init) json["Init"] = true;
  if (!config.annotations.empty()) json["Annotations"] = config.annotations;
  return json;
}

}  // namespace berth::cli
