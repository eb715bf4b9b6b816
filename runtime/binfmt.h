#pragma once

#include <string>

#include "base/result.h"

namespace berth::runtime {

/// Whether programs for an architecture (as images name it: "arm64"; empty: this machine's) run here: because it is
/// this machine's own, or because the kernel has a handler for them whose interpreter it keeps open, so that it works
/// inside of containers. Error: what is missing. `handlers` is where binfmt_misc shows them.
[[nodiscard]] Status can_execute(const std::string& architecture,
                                 const std::string& handlers = "/proc/sys/fs/binfmt_misc");

}  // namespace berth::runtime
