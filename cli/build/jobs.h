#pragma once

#include "cli/build_job.h"
#include "cli/context.h"

namespace berth::cli {

/// Builds them side by side; tells what goes wrong. Prints the ids of the images where the order is quiet.
/// Returns the exit code: 0, 1, or 128 + signal.
[[nodiscard]] int build_all(const Context& context, const BuildOrder& order);

}  // namespace berth::cli
