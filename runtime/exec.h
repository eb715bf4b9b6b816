#pragma once

#include "base/result.h"
#include "runtime/launch.h"
#include "runtime/spec.h"
#include "sys/pidfd.h"

namespace berth::runtime {

/// Starts a further process in a running container: all its namespaces (by the pidfd of its first process), its control
/// groups, capabilities, seccomp program, no_new_privs and rlimits. Finish it as any Launch; the process is a child
/// of the caller, who reaps it (or of the caller's parent with io.clone_parent).
///
/// `of_container` is the spec that the container was started with. Callable from any thread: the thread's namespace for
/// children is changed for the length of one clone and put back before this returns; nothing else of the caller
/// changes. Errors: ESRCH if the container is not running.
[[nodiscard]] Result<Launch> start_exec(Host& host, const ContainerSpec& of_container, const sys::Pidfd& init,
                                        const ExecSpec& exec, const LaunchIo& io);

/// Whether what enters is a copy of the caller until it executes its program, and so shows the caller's own program to
/// those inside (sys/sealed_self.h). Else it is a small program of ours by then. It cannot be where a filter that we do
/// not know may forbid execveat(2), nor with descriptors and ids of a bundle.
[[nodiscard]] bool enters_as_copy(const ContainerSpec& of_container, const ExecSpec& exec);

}  // namespace berth::runtime
