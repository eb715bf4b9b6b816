#pragma once

#include "cli/context.h"
#include "engine/request.h"

namespace berth::cli {

/// Runs a one-off container: with this program's own standard streams or on a terminal that is carried to and from
/// ours; or, if the request is not to attach, in the background, printing its id. Returns what the command returned,
/// and 125, 126 or 127 if it could not be started.
[[nodiscard]] int run_one_off(const Context& context, const engine::RunRequest& request, bool interactive);

}  // namespace berth::cli
