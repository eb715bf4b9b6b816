#pragma once

// Includes nothing: berth-init, which has no C library, speaks it too.

namespace berth::runtime {

/// The steps of a child between clone and exec, in the order in which they run. On failure the child sends its step,
/// the index of the object in the plan's list and errno; launch_error.cpp turns them into words.
enum class Stage : int {
  join_namespace,  // index: into joins
  join_cgroup,
  scheduling,
  user_namespace,
  time_namespace,
  overlay,
  overlay_layer,  // index: into layers
  overlay_attach,
  bind_source,  // index: into mounts
  new_namespaces,
  private_root,
  loopback,
  pivot,
  mount_target,  // index: into mounts
  mount,         // index: into mounts
  copy_up,       // index: into mounts
  device,        // index: into devices
  dev_directory,
  console,
  stdio,
  hostname,
  sysctl,  // index: into sysctls
  oom_score,
  cwd_create,
  mask,       // index: into masked_paths
  read_only,  // index: into read_only_paths
  root_read_only,
  root_propagation,
  rlimit,  // index: into rlimits
  security_label,
  personality,
  hook,       // index: into create_hooks, then start_hooks
  hook_exit,  // the same; code: exit code of the hook
  seccomp,
  capabilities,
  identity,
  cwd,
  cwd_outside,
  exec_not_found,
  exec_no_interpreter,
  exec,
};

/// The descriptors of berth-init and berth-exec.
inline constexpr int kErrorFd =
    3;  // where the runtime waits for a ChildError, or for the end of file that an exec makes
inline constexpr int kMeetFd = 4;  // berth-exec: where it waits for the process (Meeting::moved)

/// What travels over the error pipe: less than PIPE_BUF, so it arrives whole.
struct ChildError {
  Stage stage;
  int index;
  int code;
};

}  // namespace berth::runtime
