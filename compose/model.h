#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "compose/named_objects.h"
#include "compose/tree.h"

namespace berth::compose {

// The Project: what compose files say after everything that YAML, variables, files and short forms do to them.
//
// Plain values. An empty optional means "not written, so the default of whoever applies it holds"; that differs from
// every written value. Sizes are bytes, times are Duration, CPUs are a fraction of one CPU. Maps are ordered by key;
// vectors keep the order of the file. Host paths are absolute. Parts that no code of ours reads yet are kept as `Tree`,
// already checked for their shape.

/// Variables. No value: "take it from the project's environment"; after load() it has become "unset this name, even if
/// the image sets it".
using Env = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct EnvFile {
  std::string path;
  bool required = true;
  bool raw = false;  // format: raw, values are taken to the end of the line as they stand
  SourceSpan span;
  Tree extensions;
};

/// A port or one of the ports that a range stood for.
struct Port {
  std::string host_ip;    // "" = all addresses
  std::string published;  // "" = any free port; "8080"; or "8000-8010": any free one of these
  uint16_t target = 0;
  std::string protocol = "tcp";  // tcp, udp, sctp
  std::string mode = "ingress";
  std::string name;
  std::string app_protocol;
  SourceSpan span;
  Tree extensions;
};

struct BindOptions {
  std::optional<bool> create_host_path;  // not written = true
  std::optional<std::string> propagation;
  std::optional<std::string> selinux;    // z, Z
  std::optional<std::string> recursive;  // enabled, disabled, writable, readonly
  Tree extensions;
};
struct VolumeOptions {
  std::optional<bool> nocopy;
  std::optional<std::string> subpath;
  Pairs labels;
  Tree extensions;
};
struct TmpfsOptions {
  std::optional<int64_t> size;   // bytes; 0 = no limit
  std::optional<uint32_t> mode;  // permission bits
  Tree extensions;
};
struct ImageOptions {
  std::optional<std::string> subpath;
  Tree extensions;
};

/// An entry of `volumes` of a service, long form.
struct Mount {
  enum class Type { bind, volume, tmpfs, image, npipe, cluster };
  Type type = Type::volume;
  std::string source;  // bind: absolute host path; volume: key of Project::volumes, "" = anonymous
  std::string target;  // absolute and clean
  std::optional<bool> read_only;
  std::optional<std::string> consistency;
  std::optional<BindOptions> bind;
  std::optional<VolumeOptions> volume;
  std::optional<TmpfsOptions> tmpfs;
  std::optional<ImageOptions> image;
  SourceSpan span;
  Tree extensions;
};

/// A secret or config as a service takes it.
struct FileGrant {
  std::string source;  // key of Project::secrets or ::configs
  std::string target;  // as written; "" = default. Secrets: relative to /run/secrets; configs: relative to /
  std::optional<std::string> uid;
  std::optional<std::string> gid;
  std::optional<uint32_t> mode;  // permission bits
  SourceSpan span;
  Tree extensions;
};

struct NetworkAttachment {
  Strings aliases;
  std::optional<std::string> ipv4_address;
  std::optional<std::string> ipv6_address;
  std::optional<std::string> mac_address;
  std::optional<std::string> interface_name;
  std::optional<int64_t> priority;
  std::optional<int64_t> gw_priority;
  Strings link_local_ips;
  Pairs driver_opts;
  SourceSpan span;
  Tree extensions;
};

enum class Condition { service_started, service_healthy, service_completed_successfully };

struct Dependency {
  Condition condition = Condition::service_started;
  bool required = true;
  bool restart = false;
  SourceSpan span;
  Tree extensions;
};

/// A command around the life of a container: in it, or (pre_start) in one of its own before it.
struct Hook {
  Strings command;
  Env environment;
  std::optional<bool> privileged, per_replica;
  std::optional<std::string> user, working_dir, image;  // image and per_replica: of pre_start alone
};

/// Whom a probe asks.
struct ProbeTarget {
  std::string host;  // an address, or localhost
  uint16_t port = 0;
  std::string path;  // http: from its slash on; grpc: the service, empty = the server as a whole
};

/// A probe that needs no program in the container; one of them.
struct NativeProbe {
  std::optional<ProbeTarget> grpc, http, tcp;
  Tree extensions;
};

struct Healthcheck {
  /// {"NONE"}, {"CMD", ...} or {"CMD-SHELL", text}; empty = take the image's.
  Strings test;
  std::optional<Duration> interval, timeout, start_period, start_interval;
  std::optional<int64_t> retries;
  std::optional<bool> disable;
  std::optional<NativeProbe> probe;  // instead of `test`
  std::optional<bool> restart_unhealthy;
  Tree extensions;
};

struct Logging {
  std::optional<std::string> driver;
  Pairs options;
  Tree extensions;
};

struct Ulimit {
  int64_t soft = 0;  // -1 = unlimited
  int64_t hard = 0;
  bool single = false;  // written as one number
  Tree extensions;
};

struct Device {
  std::string source;
  std::string target;
  std::string permissions = "rwm";
  Tree extensions;
};

/// What `restart` says.
struct Restart {
  enum class Mode { no, always, on_failure, unless_stopped };
  Mode mode = Mode::no;
  std::optional<int64_t> max_retries;  // on-failure:N
};

struct ResourceLimits {
  std::optional<double> cpus;
  std::optional<int64_t> memory;
  std::optional<int64_t> pids;
  Tree extensions;
};
struct ResourceReservations {
  std::optional<double> cpus;
  std::optional<int64_t> memory;
  std::optional<int64_t> pids;
  Tree generic_resources;
  Tree devices;
  Tree extensions;
};
struct Resources {
  std::optional<ResourceLimits> limits;
  std::optional<ResourceReservations> reservations;
  Tree extensions;
};
struct RestartPolicy {
  std::optional<std::string> condition;  // none, on-failure, any
  std::optional<Duration> delay;
  std::optional<int64_t> max_attempts;
  std::optional<Duration> window;
  Tree extensions;
};
struct UpdateConfig {
  std::optional<int64_t> parallelism;
  std::optional<Duration> delay;
  std::optional<std::string> failure_action;
  std::optional<Duration> monitor;
  std::optional<double> max_failure_ratio;
  std::optional<std::string> order;  // start-first, stop-first
  Tree extensions;
};
struct Deploy {
  std::optional<std::string> mode;
  std::optional<int64_t> replicas;
  std::optional<std::string> endpoint_mode;
  Pairs labels;
  std::optional<Resources> resources;
  std::optional<RestartPolicy> restart_policy;
  std::optional<UpdateConfig> update_config;
  std::optional<UpdateConfig> rollback_config;
  Tree placement;
  Tree extensions;
};

struct Build {
  std::optional<std::string> context;
  std::optional<std::string> dockerfile;  // relative to the context
  std::optional<std::string> dockerfile_inline;
  std::optional<std::string> target;
  Env args;
  Pairs additional_contexts;
  Strings tags;
  Pairs labels;
  Strings cache_from;
  Strings cache_to;
  std::optional<bool> no_cache;
  Strings no_cache_filter;
  std::optional<bool> pull;
  std::optional<std::string> network;
  Pairs extra_hosts;  // host name, address; a name may occur several times
  std::optional<int64_t> shm_size;
  std::map<std::string, Ulimit> ulimits;
  std::optional<std::string> isolation;
  std::optional<bool> privileged;
  Strings entitlements;
  Strings platforms;
  std::vector<FileGrant> secrets;
  Pairs ssh;  // id, path ("" = the agent)
  std::optional<std::string> provenance;
  std::optional<std::string> sbom;
  Tree extensions;
};

struct Service {
  std::string name;
  SourceSpan span;  // its key under `services`

  // identity, order, life
  std::optional<std::string> image;
  std::optional<Build> build;
  std::optional<std::string> container_name;
  std::optional<std::string> platform;
  std::optional<std::string> pull_policy;  // normal names: always never missing build daily weekly every_<duration>
  std::optional<std::string> pull_refresh_after;
  std::optional<Restart> restart;
  std::map<std::string, Dependency> depends_on;  // as written; StartGraph adds the implicit ones
  Strings links;
  Strings external_links;
  Strings profiles;
  std::optional<int64_t> scale;
  std::optional<bool> attach;
  std::optional<std::string> stop_signal;
  std::optional<Duration> stop_grace_period;
  std::optional<bool> init;
  std::optional<bool> tty;
  std::optional<bool> stdin_open;
  Pairs labels;
  Strings label_file;
  Pairs annotations;
  std::optional<Deploy> deploy;
  std::optional<std::string> runtime;
  std::optional<std::string> isolation;
  std::optional<bool> use_api_socket;
  Tree develop, credential_spec, gpus, models, provider;

  // process
  std::optional<Strings> command;     // absent = the image's; empty = none
  std::optional<Strings> entrypoint;  // absent = the image's; empty = none
  Env environment;                    // after load(): with env_file folded in
  std::vector<EnvFile> env_file;      // empty after its files were folded in
  std::optional<std::string> working_dir;
  std::optional<std::string> user;
  Strings group_add;
  std::optional<std::string> hostname;
  std::optional<std::string> domainname;
  std::optional<Healthcheck> healthcheck;
  std::optional<Logging> logging;
  std::vector<Hook> pre_start, post_start, pre_stop;

  // network
  std::map<std::string, NetworkAttachment> networks;  // keys of Project::networks
  std::optional<std::string> network_mode;            // none host bridge service:x container:x
  std::optional<std::string> mac_address;
  std::vector<Port> ports;
  Strings expose;
  Pairs extra_hosts;  // host name, address; a name may occur several times
  Strings dns;
  Strings dns_opt;
  Strings dns_search;

  // storage
  std::vector<Mount> volumes;
  Strings volumes_from;
  Strings tmpfs;  // path[:options]
  std::vector<FileGrant> configs;
  std::vector<FileGrant> secrets;
  std::optional<bool> read_only;
  std::optional<int64_t> shm_size;
  Pairs storage_opt;
  std::vector<Device> devices;
  Strings device_cgroup_rules;

  // resources
  std::optional<double> cpus;
  std::optional<int64_t> cpu_shares;
  std::optional<int64_t> cpu_quota;   // microseconds
  std::optional<int64_t> cpu_period;  // microseconds
  std::optional<int64_t> cpu_count;
  std::optional<double> cpu_percent;
  std::optional<int64_t> cpu_rt_runtime;  // microseconds
  std::optional<int64_t> cpu_rt_period;   // microseconds
  std::optional<std::string> cpuset;
  std::optional<int64_t> mem_limit;
  std::optional<int64_t> mem_reservation;
  std::optional<int64_t> memswap_limit;  // -1 = unlimited
  std::optional<int64_t> mem_swappiness;
  std::optional<int64_t> pids_limit;  // -1 = unlimited
  std::map<std::string, Ulimit> ulimits;
  Tree blkio_config;
  std::optional<bool> oom_kill_disable;
  std::optional<int64_t> oom_score_adj;

  // security and namespaces
  Strings cap_add;
  Strings cap_drop;
  std::optional<bool> privileged;
  Strings security_opt;
  Pairs sysctls;
  std::optional<std::string> userns_mode;
  std::optional<std::string> uts;
  std::optional<std::string> cgroup;
  std::optional<std::string> cgroup_parent;
  std::optional<std::string> pid;
  std::optional<std::string> ipc;

  std::optional<std::string> probing;  // x-berth-probing: early, strict
  Tree extensions;                     // x-*: a map, or null

  /// Where each attribute was written, by key of the table's row (which outlives the program).
  std::vector<std::pair<std::string_view, SourceSpan>> places;
  /// The place of an attribute's value, or of the service where that attribute is not written.
  [[nodiscard]] const SourceSpan& place(std::string_view attribute) const;

  /// How many containers: `scale`, else `deploy.replicas`, else 1.
  [[nodiscard]] int64_t replicas() const;
};

struct Project {
  std::string name;
  std::string working_dir;    // the project directory, absolute
  Strings config_files;       // absolute, in the order of merging; "-" = standard input
  Strings environment_files;  // .env files that were read, absolute

  std::map<std::string, Service> services;           // enabled by the active profiles
  std::map<std::string, Service> disabled_services;  // the others, bound and checked by themselves only
  std::map<std::string, Network> networks;
  std::map<std::string, Volume> volumes;
  std::map<std::string, FileObject> secrets;
  std::map<std::string, FileObject> configs;
  Tree models;
  Tree extensions;

  Strings profiles;                                // active, sorted
  std::map<std::string, std::string> environment;  // what interpolation saw

  [[nodiscard]] const Service* find_service(std::string_view name) const;  // enabled ones
};

[[nodiscard]] std::string_view condition_name(Condition condition);
[[nodiscard]] std::string_view mount_type_name(Mount::Type type);
/// "no", "always", "on-failure:3", "unless-stopped".
[[nodiscard]] std::string restart_text(const Restart& restart);

}  // namespace berth::compose
