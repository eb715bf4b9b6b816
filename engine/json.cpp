#include "engine/json.h"

#include "engine/json_define.h"

namespace berth::engine {

// The parts that only appear inside others stay in this file.
BERTH_JSON(HealthConfig, test, interval, timeout, start_period, start_interval, retries, strict, restart_unhealthy)
BERTH_JSON(MountConfig, type, source, target, read_only, create_host_path, recursive, read_only_below, propagation,
           no_copy, lent, labels, subpath, tmpfs_size, tmpfs_mode, tmpfs_options, place, image_id, layers)
BERTH_JSON(VolumesFrom, from, read_only)
BERTH_JSON(FileMount, source_path, content, digest, target, uid, gid, mode)
BERTH_JSON(PortConfig, host_ip, host_port, host_port_end, container_port, protocol, place)
BERTH_JSON_DEFINE(AttachmentConfig, network, aliases, ipv4_address, ipv6_address, mac_address, link_local_ips,
                  interface_name, priority, gw_priority, options, links)
BERTH_JSON(UlimitConfig, name, soft, hard)
BERTH_JSON(DeviceConfig, source, target, permissions)
BERTH_JSON(DeviceLimit, device, value)
BERTH_JSON(BlkioConfig, weight, weight_device, read_bps, write_bps, read_iops, write_iops)
BERTH_JSON(ResourceConfig, memory, memory_swap, memory_reservation, memory_swappiness, oom_kill_disable, nano_cpus,
           cpu_quota, cpu_period, cpu_shares, cpu_rt_runtime, cpu_rt_period, cpuset, pids, blkio, parent)
BERTH_JSON(RestartConfig, policy, max_attempts, delay_ns, window_ns)
BERTH_JSON(RestartState, attempts, delay_ns)
BERTH_JSON(HookConfig, image, command, environment, user, working_dir, privileged)
BERTH_JSON(LogConfig, driver, options)
BERTH_JSON(RolloutConfig, parallelism, delay_ns, monitor_ns, failure_action, max_failure_ratio, start_first)
BERTH_JSON(DependencyConfig, service, condition, required, restart, place)
BERTH_JSON(IpamConfig, subnet, gateway, ip_range, aux_addresses, place)
BERTH_JSON_DEFINE(NetworkConfig, key, name, external, internal, attachable, driver, options, labels, ipam, enable_ipv4,
                  enable_ipv6, place)
BERTH_JSON_DEFINE(VolumeConfig, key, name, external, driver, options, labels, place)
BERTH_JSON(EndpointState, network, interface, host_interface, address, ipv6_address, mac, internal, pending)
BERTH_JSON(PublishedPort, host_ip, host_port, container_port, protocol)
BERTH_JSON(ProbeResult, start_ns, end_ns, exit_code, output)
NLOHMANN_JSON_SERIALIZE_ENUM(Status, {{Status::created, "created"},
                                      {Status::running, "running"},
                                      {Status::paused, "paused"},
                                      {Status::restarting, "restarting"},
                                      {Status::removing, "removing"},
                                      {Status::exited, "exited"},
                                      {Status::dead, "dead"}})

BERTH_JSON_DEFINE(ContainerConfig, image, command, entrypoint, environment, user, working_dir, hostname, domainname,
                  group_add, tty, stdin_open, init, privileged, read_only, network_mode, attachments, ports, expose,
                  mounts, volumes_from, files, extra_hosts, dns, dns_search, dns_options, cap_add, cap_drop,
                  security_opt, ulimits, devices, device_cgroup_rules, sysctls, pid_mode, ipc_mode, uts_mode,
                  cgroup_mode, userns_mode, shm_size, oom_score_adj, resources, stop_signal, stop_grace_ns, health,
                  restart, pre_start, post_start, pre_stop, log, labels, annotations)
BERTH_JSON_DEFINE(ServiceConfig, name, container_name, replicas, attach, container, depends_on, update, rollback, place,
                  image_place, image_id)
BERTH_JSON_DEFINE(Stack, project, separator, working_dir, config_files, environment_files, services, networks, volumes)
BERTH_JSON_DEFINE(ContainerRecord, id, name, project, service, number, one_off, pre_start, auto_remove, created_ns,
                  image_id, config_hash, config, expose, args, env, user, working_dir, stop_signal, stop_grace_ns,
                  health, mounts, layers, anonymous_volumes, labels)
BERTH_JSON_DEFINE(LiveState, boot_id, status, process, started_ns, finished_ns, exit_code, oom_killed, error, health,
                  failing_streak, probes, restart_count, restarts, stopped_by_user, attached, endpoints, ports)
BERTH_JSON_DEFINE(NetworkRecord, id, bridge, keep_interface, project, created_ns, config, ipam)

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace berth::engine
