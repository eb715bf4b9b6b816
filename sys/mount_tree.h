#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

// Mounts that are in no namespace: held by a descriptor, gone with it unless somebody attaches them (move_mount(2)).
// They are made on a short-lived thread in a mount namespace of its own, so the host never sees anything of it.

namespace berth::sys {

/// A copy of the mount at `path` (absolute) as the process sees it. Error: ESRCH if it is gone.
[[nodiscard]] Result<UniqueFd> copy_mount_of(const Pidfd& process, const std::string& path);

/// The read-only tree that these overlay layers (topmost first; at least one) make, or what is at `subpath` in it,
/// which no symbolic link leads out of. Error: ENOENT if there is no such path.
[[nodiscard]] Result<UniqueFd> merge_layers(const std::vector<std::string>& layers, const std::string& subpath);

}  // namespace berth::sys
