#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "runtime/cgroup.h"
#include "runtime/child_plan.h"
#include "runtime/host.h"
#include "runtime/launch.h"
#include "runtime/spec.h"

namespace berth::runtime {

/// A plan and what it borrows from.
struct Prepared {
  ChildPlan plan;
  std::vector<sys::UniqueFd> descriptors;
  std::shared_ptr<const std::vector<sock_filter>> filter;

  /// Whether the child waits for its parent anywhere.
  [[nodiscard]] bool meets() const {
    return plan.second_clone || plan.born_inside || plan.meet_before_pivot || plan.meet_when_ready;
  }
};

/// Everything about a container that can be known before the clone. Error: what is wrong with the spec. Requires: the
/// cgroup exists. Descriptors of `io` are borrowed.
[[nodiscard]] Result<std::unique_ptr<Prepared>> prepare_container(Host& host, const ContainerSpec& spec,
                                                                  const std::vector<PlannedDevice>& devices,
                                                                  const Cgroup& cgroup, const LaunchIo& io);

/// The same for a process that joins one.
[[nodiscard]] Result<std::unique_ptr<Prepared>> prepare_exec(Host& host, const ContainerSpec& of_container,
                                                             const ExecSpec& exec, const Cgroup& cgroup,
                                                             const sys::Pidfd& init, const LaunchIo& io);

// Parts, each in a file of its own.

/// The mounts of a container in the order in which they are made: ours, then the spec's; one of the spec's at the place
/// of one of ours stands in its stead. Error: relative or empty targets, "/" and /proc, unknown tmpfs options.
[[nodiscard]] Result<std::vector<PlannedMount>> plan_mounts(const ContainerSpec& spec, const Cgroup& cgroup);
/// The container's own control groups at `root`, for those that hold `attributes`.
[[nodiscard]] std::vector<PlannedMount> plan_cgroup_mounts(const std::string& root, uint64_t attributes, bool sealed,
                                                           const Cgroup& cgroup);

/// What a container that is described completely has and others do not: its mounts, user and time namespace, hooks,
/// gate. Error: what is wrong with the spec, or a bind source that needs a map of ids that the kernel refuses.
[[nodiscard]] Status plan_bare(const ContainerSpec& spec, const Cgroup& cgroup, const LaunchIo& io, Prepared& prepared);

/// The host's /proc, for what the child writes there where it sees none that would do.
[[nodiscard]] Status lend_proc(Prepared& prepared);

/// Identity, capabilities, limits and labels in numbers.
[[nodiscard]] Status plan_attributes(const ProcessAttributes& attributes, Prepared& prepared);

/// Pointers to the texts and a null pointer, as execve(2) takes them. They live as long as the texts do.
[[nodiscard]] std::vector<char*> null_terminated(std::vector<std::string>& texts);

/// "inside outside count" lines, as /proc/PID/uid_map takes them.
[[nodiscard]] std::string render_id_map(const std::vector<IdMap>& map);

/// What container and exec have in common.
struct ProcessSettings {
  std::vector<std::string> args, env;
  std::string cwd;
  std::string user;
  bool tty = false;
  uint16_t tty_rows = 0, tty_columns = 0;
  bool privileged = false;
  const ProcessAttributes* attributes = nullptr;  // instead of user, privileged and defaults
};
/// User, capabilities, seccomp, limits, environment and what to execute. Error: no such user, unknown capability, no
/// command.
[[nodiscard]] Status plan_process(Host& host, const ContainerSpec& spec, const ProcessSettings& settings,
                                  Prepared& prepared);

/// An absolute path without dots, doubled or trailing slashes. Error: relative, or with a NUL.
[[nodiscard]] Result<std::string> clean_path(const std::string& path, const char* what);

/// Value of "NAME=value" in a list like environ; the last one counts. Nothing if it is not there.
[[nodiscard]] const std::string* find_variable(const std::vector<std::string>& env, std::string_view name);

}  // namespace berth::runtime
