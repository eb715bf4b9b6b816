#include "runtime/exec.h"

#include <fmt/core.h>

#include <cerrno>

#include "runtime/launch_state.h"
#include "runtime/prepare.h"

namespace berth::runtime {

bool enters_as_copy(const ContainerSpec& of_container, const ExecSpec& exec) {
  // What it is confined by might forbid the small program what it does.
  return of_container.seccomp == SeccompMode::program || !of_container.apparmor_profile.empty() ||
         exec.process.has_value();
}

Result<Launch> start_exec(Host& host, const ContainerSpec& of_container, const sys::Pidfd& init, const ExecSpec& exec,
                          const LaunchIo& io) {
  if (init.exited()) return sys_error(fmt::format("container {} is not running", of_container.id), ESRCH);
  BERTH_TRY(Cgroup cgroup, Cgroup::open(host.cgroups(), of_container.cgroup_path));
  BERTH_TRY(bool frozen, cgroup.frozen());
  // The process would be frozen before its first instruction, and we would wait for it.
  if (frozen) return make_error(fmt::format("container {} is paused", of_container.id), "unpause it first");
  BERTH_TRY(std::unique_ptr<Prepared> prepared, prepare_exec(host, of_container, exec, cgroup, init, io));
  BERTH_TRY(pid_t first, init.pid());
  BERTH_TRY(sys::UniqueFd group, cgroup.open_directory_beside(first));
  const bool by_small_program = prepared->plan.init_fd >= 0;
  CloneOptions options;
  options.cgroup = group.ref();
  options.parent = io.clone_parent;
  // Nobody inside can see it before the small program has taken its place. An OOM killer passes over children that
  // share their maker's memory (in_vfork() in the kernel's mm/oom_kill.c).
  options.in_our_memory = by_small_program && !io.clone_parent;
  BERTH_TRY(std::unique_ptr<Launch::State> state, launch(std::move(prepared), options));
  return Launch(std::move(state));
}

}  // namespace berth::runtime
