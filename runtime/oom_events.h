#pragma once

#include <string>

#include "base/result.h"
#include "runtime/cgroup_mounts.h"
#include "sys/fd.h"

namespace berth::runtime {

/// A descriptor that tells when the kernel's OOM killer may have been at work in a container's control groups.
struct OomEvents {
  sys::UniqueFd fd;
  bool urgent = false;  // poll(2) it for POLLPRI, else for POLLIN

  /// Takes note of what has been told; only then is there another event.
  void take() const;
};

/// Of the groups at `path` (Cgroup::path()). With v1 the event comes before Cgroup::oom_kills() counts it. Error:
/// nobody counts memory there.
[[nodiscard]] Result<OomEvents> open_oom_events(const CgroupMounts& mounts, const std::string& path);

}  // namespace berth::runtime
