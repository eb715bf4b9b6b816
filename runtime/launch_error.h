#pragma once

#include "base/error.h"
#include "runtime/child_plan.h"

namespace berth::runtime {

/// The child's three numbers in words: what failed, on which object of the plan, why, and what to do where that is
/// known.
[[nodiscard]] Error describe(const ChildError& error, const ChildPlan& plan);

/// 127 command not found, 126 not executable, 125 anything else: as shells and Docker have it.
[[nodiscard]] int exit_code_of(const ChildError& error);

}  // namespace berth::runtime
