#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/caps.h"

namespace berth::runtime {

/// The program of the default profile for a container with these capabilities: what Docker's default profile allows,
/// everything else EPERM, system calls newer than the table ENOSYS (so that a libc falls back), clone3 ENOSYS without
/// SYS_ADMIN, clone without namespace flags, socket() without AF_ALG and AF_VSOCK.
///
/// A balanced tree of ranges: the kernel translates it and runs it once per system call when it is set, for each start.
/// Kept as a file in `cache_dir` under a name that says what went into it; a cache that cannot be read or written
/// costs time, never the start. "" = no cache.
[[nodiscard]] Result<std::vector<sock_filter>> default_filter(CapMask caps, const std::string& cache_dir);

/// The same without a cache.
[[nodiscard]] Result<std::vector<sock_filter>> compile_default_filter(CapMask caps);

}  // namespace berth::runtime
