#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "runtime/cgroup.h"
#include "runtime/host.h"
#include "runtime/meeting.h"
#include "runtime/spec.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace berth::runtime {

/// What the caller connects a process to; all borrowed during the start. Without a tty: stdio of the process, -1 = the
/// container's /dev/null. With a tty stdio is the terminal, whose master Running has.
struct LaunchIo {
  sys::FdRef in{-1};
  sys::FdRef out{-1};
  sys::FdRef err{-1};
  sys::FdRef netns{-1};       // the network namespace to live in; -1 = the host's. Not for exec.
  bool clone_parent = false;  // CLONE_PARENT: becomes a child of the caller's parent, who reaps it

  // For containers that are described completely (ContainerSpec::Bare).
  /// Called by Launch::finish() with the container's first process where it waits: before the root changes, if
  /// `stop_before_pivot`, and when it is ready to execute. An error ends the start.
  std::function<Status(Meeting, pid_t)> on_meeting;
  bool stop_before_pivot = false;
  /// A FIFO, open for reading and writing. finish() returns when the container is ready; it executes its program once
  /// a byte comes through.
  sys::FdRef gate{-1};
  sys::FdRef hook_input{-1};  // a file that hooks have as their standard input
};

/// A process that has reached its own program.
struct Running {
  pid_t pid = 0;
  sys::Pidfd pidfd;
  sys::ProcessIdentity identity;  // start_time 0 if it was gone (reaped by the parent) before it could be read
  sys::UniqueFd console_master;   // with a tty only
};

/// A process on its way from clone to exec. Mounts and everything else happen in the child, side by side with other
/// starts: start() returns once the child exists (it may have executed its program then, so call it where waiting harms
/// nobody), ready_fd() tells when it is done.
///
/// Dropping a Launch that has not finished kills the child and removes its cgroup.
class Launch {
 public:
  /// Makes the cgroup, resolves the user, clones. Calling process: root, any thread. On error nothing is left behind.
  [[nodiscard]] static Result<Launch> start(Host& host, const ContainerSpec& spec, const LaunchIo& io);

  Launch(Launch&&) noexcept;
  Launch& operator=(Launch&&) noexcept;
  ~Launch();

  /// Becomes readable when the child has executed its program or failed.
  [[nodiscard]] sys::FdRef ready_fd() const;

  /// Blocks until ready_fd() is readable. On failure the error names the step and its object, the child is reaped
  /// (unless clone_parent) and a container's cgroup is removed. Call once.
  [[nodiscard]] Result<Running> finish();

  /// Once finish() has failed, what a shell or Docker would return: 127 command not found, 126 found but not
  /// executable, 125 anything else.
  [[nodiscard]] int exit_code() const;

  [[nodiscard]] pid_t pid() const;

  struct State;
  explicit Launch(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace berth::runtime
