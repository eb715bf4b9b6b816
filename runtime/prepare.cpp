#include "runtime/prepare.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "runtime/exec.h"
#include "runtime/sysctl.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

/// CPUs whose throttling counters tell one tenant about another (advisories of 2023 and 2025).
std::vector<std::string> thermal_paths() {
  std::vector<std::string> result;
  constexpr char kCpus[] = "/sys/devices/system/cpu";
  for (const std::string& name : sys::list_dir(kCpus).value_or({})) {
    std::string path = fmt::format("{}/{}/thermal_throttle", kCpus, name);
    if (name.starts_with("cpu") && sys::exists(path)) result.push_back(std::move(path));
  }
  return result;
}

Status check(const ContainerSpec& spec) {
  if (spec.rootfs.empty()) {
    if (spec.layers.empty()) return make_error("no root file system: neither layers nor a directory");
    if (spec.upper_dir.empty() || spec.work_dir.empty())
      return make_error("layers without an upper and a work directory");
  }
  if (spec.hostname.size() > 64 || spec.domainname.size() > 64) {
    return make_error(fmt::format("host name \"{}\" is longer than 64 characters", printable(spec.hostname)));
  }
  return {};
}

/// Namespaces that the child makes for itself, joins, or shares with the host. The pid namespace is the clone's affair.
Status plan_namespaces(const ContainerSpec& spec, const LaunchIo& io, ChildPlan& plan) {
  plan.unshare_flags = CLONE_NEWNS;
  if (io.netns.valid()) plan.joins.emplace_back(io.netns.get(), CLONE_NEWNET);
  const std::pair<const NamespaceMode*, uint64_t> kinds[] = {
      {&spec.ipc, CLONE_NEWIPC}, {&spec.uts, CLONE_NEWUTS}, {&spec.cgroup, CLONE_NEWCGROUP}};
  for (const auto& [mode, flag] : kinds) {
    if (mode->kind == NamespaceMode::Kind::own) plan.unshare_flags |= flag;
    if (mode->kind == NamespaceMode::Kind::join) plan.joins.emplace_back(mode->fd.get(), static_cast<int>(flag));
  }
  // A namespace that is shared on purpose may be named by those who share it.
  bool own_uts = spec.uts.kind == NamespaceMode::Kind::own || (spec.bare && spec.uts.kind == NamespaceMode::Kind::join);
  if (!own_uts && (!spec.hostname.empty() || !spec.domainname.empty())) {
    return make_error("a host name needs a UTS namespace of the container's own");
  }
  plan.hostname = spec.hostname;
  plan.domainname = spec.domainname;
  plan.set_hostname = own_uts && !spec.hostname.empty();
  plan.set_domainname = own_uts && !spec.domainname.empty();
  return {};
}

Status plan_cgroup(const Cgroup& cgroup, Prepared& prepared) {
  BERTH_TRY(prepared.descriptors, cgroup.open_v1_tasks());
  for (const sys::UniqueFd& file : prepared.descriptors) prepared.plan.cgroup_tasks.push_back(file.get());
  return {};
}

void plan_root(const ContainerSpec& spec, ChildPlan& plan) {
  plan.layers = spec.layers;
  plan.upper_dir = spec.upper_dir;
  plan.work_dir = spec.work_dir;
  plan.rootfs = spec.rootfs;
  plan.overlay_method = static_cast<int>(spec.overlay);
  plan.read_only_root = spec.read_only_root;
  if (spec.privileged) return;
  plan.masked_paths = spec.masked_paths;
  plan.read_only_paths = spec.read_only_paths;
}

void plan_stdio(const LaunchIo& io, ChildPlan& plan) {
  plan.stdio[0] = io.in.get();
  plan.stdio[1] = io.out.get();
  plan.stdio[2] = io.err.get();
}

/// A small program of ours comes before that of the container. Requires: plan_process() is done.
Status plan_init(Host& host, ChildPlan& plan) {
  BERTH_TRY(sys::FdRef image, host.init_image());
  plan.init_fd = image.get();
  static char first[] = "berth-init", further[] = "berth-exec", on_terminal[] = "berth-exec-tty";
  char* role = !plan.born_inside ? first : plan.tty ? on_terminal : further;
  plan.init_argv = {role, role};  // the second is the program's path, which the child finds
  plan.init_argv.insert(plan.init_argv.end(), plan.argv.begin(), plan.argv.end());
  return {};
}

/// True if the process lives in another namespace of that kind than we do. A kernel without that kind has one for all.
Result<bool> elsewhere(pid_t pid, const char* kind) {
  struct stat ours {
  }, theirs{};
  std::string path = fmt::format("/proc/{}/ns/{}", pid, kind);
  const bool known = stat(fmt::format("/proc/self/ns/{}", kind).c_str(), &ours) == 0;
  if (!known && errno == ENOENT) return false;
  if (!known || stat(path.c_str(), &theirs) != 0) return sys_error("stat " + path, errno);
  return ours.st_ino != theirs.st_ino;
}

/// What entering asks for besides: user and time namespaces, descriptors.
Status plan_entry(const ExecSpec& exec, const sys::Pidfd& init, Prepared& prepared) {
  ChildPlan& plan = prepared.plan;
  BERTH_TRY(pid_t pid, init.pid());
  BERTH_TRY(plan.becomes_root, elsewhere(pid, "user"));
  BERTH_TRY(bool other_time, elsewhere(pid, "time"));
  if (plan.becomes_root) plan.join_pidfd_flags |= CLONE_NEWUSER;
  if (other_time) plan.join_pidfd_flags |= CLONE_NEWTIME;
  plan.preserved = exec.preserved;
  if (exec.oom_score_adj) plan.oom_score_adj = std::to_string(*exec.oom_score_adj);
  return {};
}

}  // namespace

Status lend_proc(Prepared& prepared) {
  BERTH_TRY(sys::UniqueFd proc, sys::open_file("/proc", O_PATH | O_DIRECTORY));
  prepared.plan.host_proc = proc.get();
  prepared.descriptors.push_back(std::move(proc));
  return {};
}

const std::vector<std::string>& default_masked_paths() {
  static const std::vector<std::string> kPaths = [] {
    std::vector<std::string> paths = {"/proc/acpi",
                                      "/proc/asound",
                                      "/proc/interrupts",
                                      "/proc/kcore",
                                      "/proc/keys",
                                      "/proc/latency_stats",
                                      "/proc/sched_debug",
                                      "/proc/scsi",
                                      "/proc/timer_list",
                                      "/proc/timer_stats",
                                      "/sys/devices/virtual/powercap",
                                      "/sys/firmware"};
    for (std::string& path : thermal_paths()) paths.push_back(std::move(path));
    return paths;
  }();
  return kPaths;
}

const std::vector<std::string>& default_read_only_paths() {
  static const std::vector<std::string> kPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                  "/proc/sysrq-trigger"};
  return kPaths;
}

Result<std::unique_ptr<Prepared>> prepare_container(Host& host, const ContainerSpec& spec,
                                                    const std::vector<PlannedDevice>& devices, const Cgroup& cgroup,
                                                    const LaunchIo& io) {
  BERTH_TRY_OK(check(spec));
  auto prepared = std::make_unique<Prepared>();
  ChildPlan& plan = prepared->plan;
  BERTH_TRY_OK(plan_cgroup(cgroup, *prepared));
  BERTH_TRY_OK(plan_namespaces(spec, io, plan));
  plan_root(spec, plan);
  plan.devices = devices;
  if (spec.bare) {
    BERTH_TRY_OK(plan_bare(spec, cgroup, io, *prepared));
  } else {
    BERTH_TRY(sys::FdRef empty, host.empty_mounts());
    plan.empty_mounts = empty.get();
    BERTH_TRY(plan.mounts, plan_mounts(spec, cgroup));
  }
  BERTH_TRY(plan.sysctls, plan_sysctls(spec, io.netns.valid()));
  if (spec.oom_score_adj) plan.oom_score_adj = std::to_string(*spec.oom_score_adj);
  plan_stdio(io, plan);
  BERTH_TRY_OK(plan_process(host, spec,
                            {spec.args, spec.env, spec.cwd, spec.user, spec.tty, spec.tty_rows, spec.tty_columns,
                             spec.privileged, spec.process ? &*spec.process : nullptr},
                            *prepared));
  if (spec.init) BERTH_TRY_OK(plan_init(host, plan));
  return prepared;
}

Result<std::unique_ptr<Prepared>> prepare_exec(Host& host, const ContainerSpec& of_container, const ExecSpec& exec,
                                               const Cgroup& cgroup, const sys::Pidfd& init, const LaunchIo& io) {
  auto prepared = std::make_unique<Prepared>();
  ChildPlan& plan = prepared->plan;
  BERTH_TRY_OK(plan_cgroup(cgroup, *prepared));
  plan.make_root = false;
  plan.create_cwd = false;
  plan.join_pidfd = init.fd().get();
  plan.join_pidfd_flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWPID;
  plan.born_inside = true;
  plan_stdio(io, plan);
  ProcessSettings settings{exec.args,
                           of_container.env,
                           exec.cwd.empty() ? of_container.cwd : exec.cwd,
                           exec.user.empty() ? of_container.user : exec.user,
                           exec.tty,
                           exec.tty_rows,
                           exec.tty_columns,
                           of_container.privileged || exec.privileged,
                           exec.process ? &*exec.process : nullptr};
  if (exec.process) settings.env.clear();
  for (const std::string& entry : exec.env) {
    std::string prefix = entry.substr(0, entry.find('=')) + "=";
    std::erase_if(settings.env, [&](const std::string& old) { return old.starts_with(prefix); });
    settings.env.push_back(entry);
  }
  BERTH_TRY_OK(plan_process(host, of_container, settings, *prepared));
  if (exec.process) BERTH_TRY_OK(plan_entry(exec, init, *prepared));
  if (exec.process || !plan.label.empty()) BERTH_TRY_OK(lend_proc(*prepared));
  if (!enters_as_copy(of_container, exec)) BERTH_TRY_OK(plan_init(host, plan));
  return prepared;
}

}  // namespace berth::runtime
