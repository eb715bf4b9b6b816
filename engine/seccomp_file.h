#pragma once

#include <string>

#include "base/result.h"
#include "runtime/caps.h"
#include "runtime/seccomp_profile.h"

namespace berth::engine {

/// What a profile in Docker's JSON format says for a container with these capabilities on this machine: rules for other
/// architectures, other capabilities (`includes`, `excludes`) and newer kernels (`minKernel`) are left out. Error: not
/// such a document, or a key in it that is not known.
[[nodiscard]] Result<runtime::SeccompProfile> parse_seccomp(const std::string& json, runtime::CapMask caps);

}  // namespace berth::engine
