#include "engine/run_spec.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>

#include "base/text.h"
#include "engine/confinement.h"
#include "engine/joins.h"
#include "engine/record.h"
#include "engine/seccomp_file.h"
#include "runtime/seccomp_cache.h"

namespace berth::engine {
namespace {

using runtime::ContainerSpec;

struct LimitName {
  const char* name;
  int resource;
};
constexpr LimitName kLimits[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

berth::Status add_limits(const ContainerConfig& config, ContainerSpec& spec) {
  auto value = [](int64_t v) { return v < 0 ? static_cast<uint64_t>(RLIM_INFINITY) : static_cast<uint64_t>(v); };
  for (const UlimitConfig& limit : config.ulimits) {
    auto known =
        std::find_if(std::begin(kLimits), std::end(kLimits), [&](const LimitName& l) { return limit.name == l.name; });
    if (known == std::end(kLimits)) return make_error("there is no ulimit \"" + limit.name + "\"");
    spec.rlimits.push_back({known->resource, value(limit.soft), value(limit.hard)});
  }
  return {};
}

/// A profile in Docker's format, for the capabilities of this container. Compiled once: starts, probes and exec ask for
/// it each time.
berth::Status add_profile(const std::string& json, const sys::Paths& paths, ContainerSpec& spec) {
  BERTH_TRY(runtime::CapMask all, runtime::all_caps());
  BERTH_TRY(runtime::CapMask caps, runtime::resolve_caps(spec.cap_add, spec.cap_drop, spec.privileged, all));
  auto compile = [&]() -> Result<std::vector<sock_filter>> {
    BERTH_TRY(runtime::SeccompProfile profile, parse_seccomp(json, caps));
    return runtime::compile_profile(profile);
  };
  // What a profile says may depend on capabilities and on the kernel's version.
  utsname kernel{};
  (void)uname(&kernel);  // cannot fail
  const std::string key = fmt::format("Docker {} {:x}\n{}", kernel.release, caps, json);
  BERTH_TRY(std::vector<sock_filter> program, runtime::cached_program(paths.root + "/cache/profiles", key, compile));
  spec.seccomp = runtime::SeccompMode::program;
  spec.seccomp_program = std::make_shared<const std::vector<sock_filter>>(std::move(program));
  return {};
}

/// `no-new-privileges`, `seccomp=…`, `systempaths=…`, with '=' or ':' between.
berth::Status add_security(const ContainerConfig& config, const sys::Paths& paths, ContainerSpec& spec) {
  for (const std::string& option : config.security_opt) {
    size_t separator = option.find_first_of("=:");
    std::string name = option.substr(0, separator);
    std::string value = separator == std::string::npos ? "" : option.substr(separator + 1);
    if (name == "no-new-privileges") {
      spec.no_new_privileges = value != "false";
    } else if (name == "seccomp" && value == "unconfined") {
      spec.seccomp = runtime::SeccompMode::unconfined;
    } else if (name == "seccomp" && value.starts_with('{')) {
      BERTH_TRY_OK(add_profile(value, paths, spec).context("security_opt seccomp"));
    } else if (name == "systempaths" && value == "unconfined") {
      spec.masked_paths.clear();
      spec.read_only_paths.clear();
    } else if (name == "apparmor" || name == "label") {
      // Of labels none confines anything here; fit_to_host() has said so where something else was wanted.
    } else {
      return make_error("security_opt \"" + option + "\" is not supported");
    }
  }
  // Without AppArmor it has no effect, as fit_to_host() has said.
  spec.apparmor_profile = apparmor_profile(config.security_opt);
  return {};
}

Result<runtime::NamespaceMode> namespace_mode(const std::string& text, const char* attribute,
                                              sys::FdRef lent = sys::FdRef(-1)) {
  if (lent.valid()) return runtime::NamespaceMode::join(lent);
  bool own = text.empty() || text == "private" || text == "shareable" || text == "none";
  if (own || !joined_id(text).empty()) return runtime::NamespaceMode::own();
  if (text == "host") return runtime::NamespaceMode::host();
  return make_error(fmt::format("{}: \"{}\" is not supported", attribute, text));
}

void add_blkio(const BlkioConfig& config, runtime::Resources& r) {
  if (config.weight != 0) r.blkio_weight = static_cast<uint16_t>(config.weight);
  for (const DeviceLimit& limit : config.weight_device) {
    if (limit.value != 0) r.blkio_weight_device.push_back({limit.device, static_cast<uint16_t>(limit.value)});
  }
  const std::pair<const std::vector<DeviceLimit>*, std::vector<runtime::BlkioRate>*> kRates[] = {
      {&config.read_bps, &r.read_bps},
      {&config.write_bps, &r.write_bps},
      {&config.read_iops, &r.read_iops},
      {&config.write_iops, &r.write_iops}};
  for (const auto& [limits, rates] : kRates) {
    for (const DeviceLimit& limit : *limits) rates->push_back({limit.device, static_cast<uint64_t>(limit.value)});
  }
}

void add_resources(const ResourceConfig& config, ContainerSpec& spec) {
  runtime::Resources& r = spec.resources;
  auto set = [](auto& target, auto value) {
    if (value != 0) target = value;
  };
  set(r.memory, config.memory);
  set(r.memory_swap, config.memory_swap);
  set(r.memory_reservation, config.memory_reservation);
  set(r.nano_cpus, config.nano_cpus);
  set(r.cpu_quota_us, config.cpu_quota);
  if (config.cpu_period != 0) r.cpu_period_us = static_cast<uint64_t>(config.cpu_period);
  if (config.cpu_shares != 0) r.cpu_shares = static_cast<uint64_t>(config.cpu_shares);
  r.cpuset_cpus = config.cpuset;
  set(r.pids_limit, config.pids);
  if (config.memory_swappiness) r.memory_swappiness = static_cast<int>(*config.memory_swappiness);
  r.oom_kill_disable = config.oom_kill_disable;
  set(r.cpu_rt_runtime_us, config.cpu_rt_runtime);
  if (config.cpu_rt_period != 0) r.cpu_rt_period_us = static_cast<uint64_t>(config.cpu_rt_period);
  add_blkio(config.blkio, r);
}

Result<runtime::Propagation> propagation(const std::string& text) {
  using runtime::Propagation;
  constexpr std::pair<const char*, Propagation> kNames[] = {
      {"", Propagation::rprivate},     {"rprivate", Propagation::rprivate}, {"private", Propagation::private_},
      {"rslave", Propagation::rslave}, {"slave", Propagation::slave},       {"rshared", Propagation::rshared},
      {"shared", Propagation::shared},
  };
  for (const auto& [name, value] : kNames) {
    if (text == name) return value;
  }
  return make_error("there is no bind propagation \"" + text + "\"");
}

Result<runtime::MountSpec> mount_spec(const MountConfig& mount, const sys::Paths& paths, sys::FdRef image) {
  if (mount.type == "tmpfs") {
    runtime::TmpfsMount tmpfs;
    tmpfs.target = mount.target;
    if (mount.tmpfs_size > 0) tmpfs.size = static_cast<uint64_t>(mount.tmpfs_size);
    if (mount.tmpfs_mode) tmpfs.mode = *mount.tmpfs_mode;
    if (!mount.tmpfs_options.empty()) tmpfs.options = split(mount.tmpfs_options, ',');
    if (mount.read_only) tmpfs.options.push_back("ro");
    return runtime::MountSpec(tmpfs);
  }
  runtime::BindMount bind;
  if (mount.type == "image")
    bind.tree = image;  // of the subpath already
  else
    bind.subpath = mount.subpath;
  bind.source = mount.type == "volume" ? paths.volumes() + "/" + mount.source + "/_data" : mount.source;
  bind.target = mount.target;
  bind.read_only = mount.read_only;
  bind.read_only_recursive = mount.read_only_below;
  bind.recursive = mount.recursive;
  BERTH_TRY(bind.propagation, propagation(mount.propagation));
  return runtime::MountSpec(bind);
}

void bind_file(ContainerSpec& spec, const std::string& source, const std::string& target, bool read_only) {
  runtime::BindMount bind;
  bind.source = source;
  bind.target = target;
  bind.read_only = read_only;
  spec.mounts.emplace_back(bind);
}

/// Whether something of the user's is mounted there already.
bool taken(const ContainerRecord& record, const std::string& target) {
  return std::any_of(record.mounts.begin(), record.mounts.end(),
                     [&](const MountConfig& m) { return m.target == target; });
}

/// Made by prepare_files().
std::string generated_file(const sys::Paths& paths, const std::string& id, const std::string& name) {
  return paths.container(id) + "/" + name;
}

}  // namespace

std::string cgroup_path(const sys::Paths& paths, const ContainerRecord& record) {
  const std::string& parent = record.config.resources.parent;
  return (parent.empty() ? "berth-" + paths.tag() : parent) + "/" + record.id;
}

Result<ContainerSpec> run_spec(const ContainerRecord& record, const sys::Paths& paths, const Borrowed& borrowed) {
  const ContainerConfig& config = record.config;
  ContainerSpec spec;
  spec.id = record.id;
  spec.hostname = config.uts_mode == "host" ? config.hostname : hostname_of(record);
  spec.domainname = config.domainname;
  spec.layers = record.layers;
  spec.upper_dir = paths.container(record.id) + "/upper";
  spec.work_dir = paths.container(record.id) + "/work";
  spec.read_only_root = config.read_only;
  spec.args = record.args;
  spec.env = record.env;
  bool has_hostname =
      std::any_of(record.env.begin(), record.env.end(), [](auto& e) { return e.rfind("HOSTNAME=", 0) == 0; });
  if (!has_hostname) spec.env.push_back("HOSTNAME=" + hostname_of(record));
  spec.cwd = record.working_dir;
  spec.user = record.user;
  spec.group_add = config.group_add;
  spec.tty = config.tty;
  spec.init = config.init;
  if (config.shm_size > 0) spec.shm_size = static_cast<uint64_t>(config.shm_size);
  if (config.ipc_mode == "none") spec.shm_size = 0;
  spec.cap_add = config.cap_add;
  spec.cap_drop = config.cap_drop;
  spec.privileged = config.privileged;
  spec.sysctls = config.sysctls;
  if (config.oom_score_adj) spec.oom_score_adj = static_cast<int>(*config.oom_score_adj);
  for (const DeviceConfig& device : config.devices)
    spec.devices.push_back({device.source, device.target, device.permissions});
  spec.device_cgroup_rules = config.device_cgroup_rules;
  spec.cgroup_path = cgroup_path(paths, record);
  BERTH_TRY(spec.pid, namespace_mode(config.pid_mode, "pid", borrowed.pid));
  BERTH_TRY(spec.ipc, namespace_mode(config.ipc_mode, "ipc", borrowed.ipc));
  BERTH_TRY(spec.uts, namespace_mode(config.uts_mode, "uts"));
  BERTH_TRY(spec.cgroup, namespace_mode(config.cgroup_mode, "cgroup"));
  BERTH_TRY_OK(add_limits(config, spec));
  BERTH_TRY_OK(add_security(config, paths, spec));
  add_resources(config.resources, spec);
  // With a network come the files that describe it.
  const std::string owner = joined_id(config.network_mode);
  for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
    std::string target = std::string("/etc/") + name;
    std::string source = generated_file(paths, owner.empty() ? record.id : owner, name);
    if (!taken(record, target)) bind_file(spec, source, target, false);
  }
  if (borrowed.shared_memory.valid() && !taken(record, "/dev/shm")) {
    runtime::BindMount shared;
    shared.tree = borrowed.shared_memory;
    shared.target = "/dev/shm";
    spec.mounts.emplace_back(shared);
  }
  for (size_t i = 0; i < record.mounts.size(); ++i) {
    const MountConfig& mount = record.mounts[i];
    auto image = borrowed.images.find(i);
    if (mount.type == "image" && image == borrowed.images.end()) continue;  // it stands already
    Result<runtime::MountSpec> lowered =
        mount_spec(mount, paths, image == borrowed.images.end() ? sys::FdRef(-1) : image->second);
    if (!lowered)
      return mount.place.empty() ? std::move(lowered).error() : std::move(lowered).context("{}", mount.place).error();
    spec.mounts.push_back(std::move(lowered).value());
  }
  size_t index = 0;
  for (const FileMount& file : config.files) {
    std::string content = generated_file(paths, record.id, fmt::format("files/{}", index++));
    bind_file(spec, file.content ? content : file.source_path, file.target, true);
  }
  return spec;
}

}  // namespace berth::engine
