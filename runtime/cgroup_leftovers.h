#pragma once

#include <string>

#include "base/result.h"
#include "runtime/cgroup_mounts.h"

namespace berth::runtime {

/// Whatever there is at `path` (as in Cgroup::create) goes: processes, groups, also those that a removal which was cut
/// off has left in some hierarchies, and those above that were made for them. Ok if there is nothing.
[[nodiscard]] Status clear_cgroup(const CgroupMounts& mounts, const std::string& path);

}  // namespace berth::runtime
