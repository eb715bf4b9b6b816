#pragma once

#include "base/result.h"
#include "cli/context.h"
#include "engine/state.h"
#include "sys/fd.h"

namespace berth::cli {

/// The root of a container's files, to be looked up below (openat2, RESOLVE_IN_ROOT): no program of the image runs, and
/// no path that a container can change is ever taken for one of the host.
///
/// Of one that runs they are what its first process sees. Of another one its root is mounted again, with its volumes,
/// binds and images in their places, in a mount namespace of this process; a tmpfs is there only while it runs. Error:
/// a volume, or the part of one that is mounted, is missing.
[[nodiscard]] Result<sys::UniqueFd> open_container_root(const Context& context, const engine::Container& container);

}  // namespace berth::cli
