#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/process.h"

namespace berth::oci {

/// Runs programs of the host one after the other, each with `state` on its standard input, its own environment, and our
/// other streams. The error names the first that cannot be executed, ends with anything but 0, or takes longer than its
/// time-out, when it is killed. `kind` as in config.json.
[[nodiscard]] Status run_hooks(const char* kind, const std::vector<runtime::Hook>& hooks, const std::string& state);

}  // namespace berth::oci
