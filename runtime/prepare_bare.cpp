// What is special about a container that is described completely: nothing is added to its mounts, and it may ask for
// namespaces, hooks and a gate that others do not have.

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "runtime/child_sys.h"
#include "runtime/id_map.h"
#include "runtime/prepare.h"
#include "runtime/security_label.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

/// What may be covered inside /proc: files that lxcfs and the like answer in the kernel's place. Everything else would
/// deceive whoever writes there (CVE-2019-16884).
constexpr std::string_view kCoverable[] = {"/proc/cpuinfo",
                                           "/proc/diskstats",
                                           "/proc/meminfo",
                                           "/proc/stat",
                                           "/proc/swaps",
                                           "/proc/uptime",
                                           "/proc/loadavg",
                                           "/proc/slabinfo",
                                           "/proc/net/dev",
                                           "/proc/sys/kernel/ns_last_pid",
                                           "/proc/sys/crypto/fips_enabled"};

bool is_bind(const RawMount& raw) {
  return raw.type == "bind";
}

Status check_target(const RawMount& raw, const std::string& target, PlannedMount& mount) {
  if (target == "/") return make_error("nothing can be mounted on the container's root");
  if (!target.starts_with("/proc/")) return {};
  bool coverable = std::find(std::begin(kCoverable), std::end(kCoverable), target) != std::end(kCoverable);
  if (!coverable || !is_bind(raw)) {
    return make_error(fmt::format("nothing can be mounted on {}", printable(target)),
                      "what lies over a part of /proc would deceive the runtime itself");
  }
  mount.over_proc = true;
  return {};
}

void plan_filesystem(const RawMount& raw, PlannedMount& mount) {
  mount.type = raw.type;
  mount.options = raw.options;
  mount.plain = raw.type == "proc" || raw.type == "sysfs";
  if (raw.type == "proc" && mount.target == "/proc") mount.role = PlannedMount::Role::proc;
  if (mount.target == "/dev") mount.role = PlannedMount::Role::dev;
  if (raw.type == "devpts" && mount.target == "/dev/pts") mount.role = PlannedMount::Role::pts;
  if (raw.type != "tmpfs") return;
  mount.copy_up = raw.copy_up;
  mount.mode_of_target =
      std::none_of(raw.options.begin(), raw.options.end(), [](auto& o) { return o.first == "mode"; });
  // Others may have to make their targets in it before.
  mount.sealed = (raw.set & MOUNT_ATTR_RDONLY) != 0;
  mount.attributes &= ~uint64_t{MOUNT_ATTR_RDONLY};
}

Status plan_id_map(const RawMount& raw, PlannedMount& mount, Prepared& prepared) {
  if (raw.uid_map.empty() && raw.gid_map.empty()) return {};
  BERTH_TRY(sys::UniqueFd names, make_id_namespace(raw.uid_map, raw.gid_map));
  mount.id_map = names.get();
  mount.id_map_recursive = raw.map_recursive;
  prepared.descriptors.push_back(std::move(names));
  return {};
}

Status plan_raw(const RawMount& raw, const Cgroup& cgroup, Prepared& prepared) {
  std::vector<PlannedMount>& mounts = prepared.plan.mounts;
  PlannedMount mount;
  BERTH_TRY(mount.target, clean_path(raw.target, "mount target"));
  BERTH_TRY_OK(check_target(raw, mount.target, mount));
  if (raw.type == "cgroup") {
    bool sealed = (raw.set & MOUNT_ATTR_RDONLY) != 0;
    for (PlannedMount& part : plan_cgroup_mounts(mount.target, raw.set, sealed, cgroup)) {
      part.on_top = false;
      mounts.push_back(std::move(part));
    }
    return {};
  }
  mount.raw = true;
  mount.source = raw.source;
  mount.attributes = raw.set;
  mount.clear = raw.clear;
  mount.set_below = raw.set_below;
  mount.clear_below = raw.clear_below;
  mount.propagation = raw.propagation;
  mount.propagation_recursive = raw.propagation_recursive;
  mount.recursive = raw.recursive;
  if (is_bind(raw)) {
    mount.kind = PlannedMount::Kind::bind;
    BERTH_TRY_OK(plan_id_map(raw, mount, prepared));
    if (mount.target == "/dev") prepared.plan.fill_dev = false;
  } else {
    plan_filesystem(raw, mount);
  }
  mounts.push_back(std::move(mount));
  return {};
}

/// In a user namespace nodes cannot be made: they are the host's own, mounted one by one.
Status mount_devices(ChildPlan& plan) {
  std::vector<PlannedMount> binds;
  for (const PlannedDevice& device : plan.devices) {
    struct stat info {};
    if (stat(device.path.c_str(), &info) != 0) return sys_error("device " + printable(device.path), errno);
    if (info.st_rdev != device.device || (info.st_mode & S_IFMT) != (device.mode & S_IFMT)) {
      return make_error(fmt::format("device {} is another one on the host", printable(device.path)),
                        "in a user namespace only devices of the host can be shown, at their own path");
    }
    PlannedMount mount;
    mount.kind = PlannedMount::Kind::bind;
    mount.raw = true;
    mount.source = mount.target = device.path;
    mount.propagation = MS_PRIVATE;
    binds.push_back(std::move(mount));
  }
  plan.devices.clear();
  auto dev = std::find_if(plan.mounts.begin(), plan.mounts.end(),
                          [](const PlannedMount& mount) { return mount.role == PlannedMount::Role::dev; });
  plan.mounts.insert(dev == plan.mounts.end() ? dev : dev + 1, binds.begin(), binds.end());
  return {};
}

Status plan_more_namespaces(const ContainerSpec& spec, ChildPlan& plan) {
  if (spec.bare->new_network) {
    plan.unshare_flags |= CLONE_NEWNET;
    plan.loopback = true;
  }
  if (spec.time_ns.kind == NamespaceMode::Kind::join) plan.joins.emplace_back(spec.time_ns.fd.get(), CLONE_NEWTIME);
  plan.new_time = spec.time_ns.kind == NamespaceMode::Kind::own;
  plan.time_offsets = spec.time_offsets;
  plan.new_user = spec.user_ns.kind == NamespaceMode::Kind::own;
  if (spec.user_ns.kind == NamespaceMode::Kind::join) plan.user_namespace = spec.user_ns.fd.get();
  if (plan.new_user && (spec.uid_map.empty() || spec.gid_map.empty())) {
    return make_error("a user namespace needs maps of user and group ids");
  }
  plan.becomes_root = spec.user_ns.kind != NamespaceMode::Kind::host;
  plan.second_clone = plan.becomes_root || plan.new_time;
  return {};
}

std::vector<PlannedHook> plan_hooks(const std::vector<Hook>& hooks) {
  std::vector<PlannedHook> planned(hooks.size());
  for (size_t i = 0; i < hooks.size(); ++i) {
    PlannedHook& hook = planned[i];
    hook.path = hooks[i].path;
    hook.arg_storage = hooks[i].args.empty() ? std::vector<std::string>{hooks[i].path} : hooks[i].args;
    hook.env_storage = hooks[i].env;
    hook.timeout_s = hooks[i].timeout_s;
    hook.argv = null_terminated(hook.arg_storage);
    hook.envp = null_terminated(hook.env_storage);
  }
  return planned;
}

}  // namespace

std::string render_id_map(const std::vector<IdMap>& map) {
  std::string text;
  for (const IdMap& entry : map) text += fmt::format("{} {} {}\n", entry.inside, entry.outside, entry.count);
  return text;
}

Status plan_attributes(const ProcessAttributes& attributes, Prepared& prepared) {
  ChildPlan& plan = prepared.plan;
  plan.exact = true;
  plan.uid = attributes.uid;
  plan.gid = attributes.gid;
  plan.groups = attributes.groups;
  plan.umask = attributes.umask;
  plan.caps = attributes.caps.bounding;
  plan.cap_sets = attributes.caps;
  plan.no_new_privileges = attributes.no_new_privileges;
  plan.scheduling = attributes.scheduling;
  plan.io_priority = attributes.io_priority;
  plan.personality = attributes.personality;
  return plan_label(attributes.apparmor_profile, attributes.selinux_label, plan);
}

Status plan_bare(const ContainerSpec& spec, const Cgroup& cgroup, const LaunchIo& io, Prepared& prepared) {
  ChildPlan& plan = prepared.plan;
  const ContainerSpec::Bare& bare = *spec.bare;
  if (!spec.process) return make_error("a process without attributes");
  plan.bare = true;
  plan.pivot = bare.pivot;
  plan.root_propagation = bare.root_propagation;
  plan.keyring = bare.keyring;
  plan.preserved = bare.preserved;
  plan.create_hooks = plan_hooks(bare.create_container);
  plan.start_hooks = plan_hooks(bare.start_container);
  plan.gate_fd = io.gate.get();
  plan.state_fd = io.hook_input.get();
  plan.meet_before_pivot = io.stop_before_pivot;
  plan.meet_when_ready = static_cast<bool>(io.on_meeting);
  BERTH_TRY_OK(lend_proc(prepared));
  BERTH_TRY_OK(plan_more_namespaces(spec, plan));
  for (const MountSpec& wanted : spec.mounts) {
    const auto* raw = std::get_if<RawMount>(&wanted);
    if (raw == nullptr) return make_error("a mount that is not described completely");
    BERTH_TRY_OK(plan_raw(*raw, cgroup, prepared).context("mount on {}", printable(raw->target)));
  }
  if (plan.becomes_root && plan.fill_dev) BERTH_TRY_OK(mount_devices(plan));
  if (plan.mounts.size() > child::kMaxMounts) return make_error(fmt::format("more than {} mounts", child::kMaxMounts));
  return {};
}

}  // namespace berth::runtime
