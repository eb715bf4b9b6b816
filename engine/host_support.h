#pragma once

// Docker's rule for limits that a kernel does not have: a warning, and the container runs without.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/config.h"
#include "runtime/cgroup_mounts.h"

namespace berth::engine {

struct HostSupport {
  bool swappiness = true, oom_kill_disable = true, realtime = true;
  bool blkio_weight = true, blkio_weight_device = true, blkio_rates = true;
  bool apparmor = true, selinux = true;
  std::optional<std::vector<std::string>> apparmor_profiles;  // those that are loaded; nothing: nobody could tell
};

/// What this kernel has. Makes a control group for a moment, since some files are only there in one.
[[nodiscard]] HostSupport look_at_host(const runtime::CgroupMounts& mounts);

/// Takes out of the stack what the kernel does not have, and returns a warning for each. What must not be left out
/// (realtime, confinement by AppArmor) goes into `problems`.
[[nodiscard]] std::vector<std::string> fit_to_host(Stack& stack, const HostSupport& host, std::vector<Error>& problems);

/// Whether anything in the stack needs to know what the kernel has.
[[nodiscard]] bool asks_for_support(const Stack& stack);

}  // namespace berth::engine
