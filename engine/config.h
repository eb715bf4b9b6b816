#pragma once

// What a project wants, lowered for this host: plain values that travel from the command line to the supervisor as JSON
// and are kept beside each container. No YAML, no compose short forms, no image defaults merged in yet.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::engine {

using Labels = std::map<std::string, std::string>;
using StringMap = std::map<std::string, std::string>;

struct HealthConfig {
  /// {"NONE"}, {"CMD", …} or {"CMD-SHELL", text}; empty = the image's. Without a program in the image: {"TCP", host,
  /// port, ""}, {"HTTP", host, port, path}, {"GRPC", host, port, service}.
  std::vector<std::string> test;
  // Nanoseconds; nothing = the image's value, else Docker's default.
  std::optional<int64_t> interval, timeout, start_period, start_interval;
  std::optional<int64_t> retries;
  bool strict = false;             // probes come by the file's own intervals alone, also before the first success
  bool restart_unhealthy = false;  // once unhealthy it is ended and started again
};

struct MountConfig {
  std::string type;    // bind, volume, tmpfs, image
  std::string source;  // bind: absolute host path; volume: real name, empty = anonymous; image: reference as written
  std::string target;
  bool read_only = false;
  bool create_host_path = true;  // bind
  bool recursive = true;         // bind
  bool read_only_below = true;   // bind, read_only: what is mounted below the source, too
  std::string propagation;       // bind; empty = rprivate
  bool no_copy = false;          // volume
  bool lent = false;             // volume: taken over from another container, which fills it
  Labels labels;                 // volume: of an anonymous one
  std::string subpath;           // volume, image
  int64_t tmpfs_size = 0;        // bytes; 0 = no limit
  std::optional<uint32_t> tmpfs_mode;
  std::string tmpfs_options;  // further options as written: "uid=1000,noexec"
  std::string place;          // where the file asks for it: compose.yaml:14:7
  // Of an image that is mounted, once the container is made:
  std::string image_id;
  std::vector<std::string> layers;  // unpacked trees, topmost first
};

/// The mounts of another container, taken over.
struct VolumesFrom {
  std::string from;  // "service:NAME" or "container:NAME"; in a record "container:ID"
  bool read_only = false;
};

/// A secret or config to be shown as a file.
struct FileMount {
  std::string source_path;             // host file to bind, or empty if `content` holds the data
  std::optional<std::string> content;  // from environment or inline
  std::string digest;                  // of the host file's content, where it can be read
  std::string target;
  uint32_t uid = 0, gid = 0, mode = 0444;
};

struct PortConfig {
  std::string host_ip;     // empty = every address, IPv4 and IPv6
  uint16_t host_port = 0;  // first of the range; 0 = any free one
  uint16_t host_port_end = 0;
  uint16_t container_port = 0;
  std::string protocol = "tcp";
  std::string place;
};

struct AttachmentConfig {
  std::string network;  // real name
  std::vector<std::string> aliases;
  std::string ipv4_address, ipv6_address;  // empty = any free one, where the network has the family
  std::string mac_address;                 // empty = made from the first address
  std::vector<std::string> link_local_ips;
  std::string interface_name;  // empty = the next free one
  int64_t priority = 0;        // the first interface is that of the highest, then of the first name
  int64_t gw_priority = 0;     // the default route, likewise
  StringMap options;           // com.docker.network.endpoint.…
  StringMap links;             // names for this container alone, and whom each stands for
};

struct UlimitConfig {
  std::string name;
  int64_t soft = 0, hard = 0;  // -1 = unlimited
};

struct DeviceConfig {
  std::string source, target, permissions = "rwm";
};

/// A limit or a weight of one block device.
struct DeviceLimit {
  std::string device;  // its node on the host
  int64_t value = 0;   // bytes or operations a second, or a weight
};

struct BlkioConfig {
  int64_t weight = 0;  // 10..1000; 0 = not set
  std::vector<DeviceLimit> weight_device, read_bps, write_bps, read_iops, write_iops;
};

struct ResourceConfig {
  int64_t memory = 0, memory_swap = 0, memory_reservation = 0;  // bytes; 0 = not set, memory_swap -1 = unlimited
  std::optional<int64_t> memory_swappiness;                     // 0..100
  bool oom_kill_disable = false;
  int64_t nano_cpus = 0, cpu_quota = 0, cpu_period = 0, cpu_shares = 0;
  int64_t cpu_rt_runtime = 0, cpu_rt_period = 0;  // microseconds; 0 = not set
  std::string cpuset;
  int64_t pids = 0;  // 0 = not set, -1 = unlimited
  BlkioConfig blkio;
  std::string parent;  // control group that the container's is made in; empty = berth's own
};

struct RestartConfig {
  std::string policy = "no";         // no, always, on-failure, unless-stopped
  int64_t max_attempts = 0;          // always, on-failure; 0 = without limit
  std::optional<int64_t> delay_ns;   // the pause before each start; nothing = Docker's, which grow
  std::optional<int64_t> window_ns;  // a run as long as this was a good one: attempts count anew. 0 = never
};

/// A command that runs in a container after its start or before its stop; or, as pre_start, in a container of its own
/// before the first start.
struct HookConfig {
  std::string image;  // pre_start alone; empty = the service's
  std::vector<std::string> command;
  std::vector<std::string> environment;  // NAME=value, beside the container's own
  std::string user, working_dir;         // empty = the container's
  bool privileged = false;
};

struct LogConfig {
  std::string driver;
  StringMap options;
};

/// Everything a container is made from, but for its name and number. A change of any of it means another container.
struct ContainerConfig {
  std::string image;  // reference as written
  std::optional<std::vector<std::string>> command, entrypoint;
  std::vector<std::pair<std::string, std::optional<std::string>>>
      environment;  // no value = removed, even if the image has it
  std::string user, working_dir, hostname, domainname;
  std::vector<std::string> group_add;
  bool tty = false, stdin_open = false, init = false, privileged = false, read_only = false;
  std::string
      network_mode;  // empty (attachments), none, host, service:NAME or container:NAME; in a record container:ID
  std::vector<AttachmentConfig> attachments;
  std::vector<PortConfig> ports;
  std::vector<std::string> expose;
  std::vector<MountConfig> mounts;
  std::vector<VolumesFrom> volumes_from;
  std::vector<FileMount> files;
  std::vector<std::string> extra_hosts;  // "name=address"; address may be host-gateway
  std::vector<std::string> dns, dns_search, dns_options;
  std::vector<std::string> cap_add, cap_drop, security_opt;
  std::vector<UlimitConfig> ulimits;
  std::vector<DeviceConfig> devices;
  std::vector<std::string> device_cgroup_rules;
  StringMap sysctls;
  std::string pid_mode, ipc_mode;  // as network_mode, and private, shareable
  std::string uts_mode, cgroup_mode, userns_mode;
  int64_t shm_size = 0;  // bytes; 0 = the default
  std::optional<int64_t> oom_score_adj;
  ResourceConfig resources;
  std::string stop_signal;
  std::optional<int64_t> stop_grace_ns;
  std::optional<HealthConfig> health;
  RestartConfig restart;
  std::vector<HookConfig> pre_start, post_start, pre_stop;
  LogConfig log;
  Labels labels;
  Labels annotations;
};

struct DependencyConfig {
  std::string service;
  std::string condition = "service_started";
  bool required = true;
  bool restart = false;
  std::string place;
};

/// How running containers of a service are replaced (deploy.update_config), or the old ones put back (rollback_config).
struct RolloutConfig {
  int64_t parallelism = 1;               // containers at once; 0 = all
  int64_t delay_ns = 0;                  // between two groups
  int64_t monitor_ns = 0;                // how long a new container has to stay as it should be once it is
  std::string failure_action = "pause";  // pause, continue, rollback
  double max_failure_ratio = 0;          // of the containers to replace: so many may fail
  bool start_first = false;
};

struct ServiceConfig {
  std::string name;
  std::string container_name;  // empty = PROJECT-SERVICE-N
  int64_t replicas = 1;
  bool attach = true;
  ContainerConfig container;
  std::vector<DependencyConfig> depends_on;
  std::optional<RolloutConfig> update;  // nothing = all of them at once
  RolloutConfig rollback;
  std::string place;        // of the service in its file
  std::string image_place;  // of its image
  std::string image_id;     // what its image is now, where that is known: containers of another one are made anew
};

/// Addresses of one family for a network; what is empty is chosen by berth.
struct IpamConfig {
  std::string subnet, gateway, ip_range;
  StringMap aux_addresses;
  std::string place;  // where the file asks for it: compose.yaml:14:7
};

struct NetworkConfig {
  std::string key;   // in the compose file
  std::string name;  // real
  bool external = false, internal = false, attachable = false;
  std::string driver = "bridge";
  StringMap options;
  Labels labels;
  std::vector<IpamConfig> ipam;
  bool enable_ipv4 = true, enable_ipv6 = false;
  std::string place;
};

struct VolumeConfig {
  std::string key, name;
  bool external = false;
  std::string driver = "local";
  StringMap options;
  Labels labels;
  std::string place;
};

/// One project as it should be.
struct Stack {
  std::string project;          // empty: of none
  std::string separator = "-";  // in names of containers: "_" as Compose had it once (--compatibility)
  std::string working_dir;
  std::vector<std::string> config_files, environment_files;
  std::vector<ServiceConfig> services;  // dependencies come before dependents
  std::vector<NetworkConfig> networks;
  std::vector<VolumeConfig> volumes;
};

}  // namespace berth::engine
