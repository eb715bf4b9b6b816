#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

// Mounts that are in no namespace: held by a descriptor, gone with it unless somebody attaches them (move_mount(2)).
// The trees are made on a short-lived thread in a mount namespace of its own, so the host never sees anything of it.

namespace berth::sys {

/// The calling thread's, or a process of one thread's, own: what is mounted from here on is seen by nobody else and
/// gone with it.
[[nodiscard]] Status enter_own_mount_namespace();

/// Overlay of these layers (topmost first) on the directory `target`; read-only where `upper` and `work` are empty.
[[nodiscard]] Status mount_overlay(const std::vector<std::string>& layers, const std::string& upper,
                                   const std::string& work, const std::string& target);

enum class Below { left_out, included };  // what is mounted below a place
/// A copy of the mount that holds `place`, from there on.
[[nodiscard]] Result<UniqueFd> copy_mount(FdRef place, Below below);

/// Nothing is written through this mount, nor, where included, through those below it.
[[nodiscard]] Status make_read_only(FdRef mount, Below below);

/// Attaches a mount that is in no namespace on top of `target`, in the namespace of that.
[[nodiscard]] Status attach_mount(FdRef tree, FdRef target);

/// A copy of the mount at `path` (absolute) as the process sees it. Error: ESRCH if it is gone.
[[nodiscard]] Result<UniqueFd> copy_mount_of(const Pidfd& process, const std::string& path);

/// The read-only tree that these overlay layers (topmost first; at least one) make, or what is at `subpath` in it,
/// which no symbolic link leads out of. Error: ENOENT if there is no such path.
[[nodiscard]] Result<UniqueFd> merge_layers(const std::vector<std::string>& layers, const std::string& subpath);

}  // namespace berth::sys
