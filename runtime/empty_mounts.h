#pragma once

#include "base/result.h"
#include "sys/fd.h"

namespace berth::runtime {

/// A mount namespace in which nothing is but an empty directory that cannot be written to; it lives as long as the
/// handle, or a process in it.
///
/// A container's own is a copy of it. A copy of the host's would have to be cleared of the host's mounts first, and for
/// each unmounting the kernel waits for an RCU grace period, while all others that unmount wait in line.
[[nodiscard]] Result<sys::UniqueFd> make_empty_mounts();

}  // namespace berth::runtime
