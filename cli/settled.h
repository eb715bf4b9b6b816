#pragma once

#include "cli/context.h"
#include "cli/log_follower.h"
#include "cli/signals.h"

namespace berth::cli {

/// True when no command works on the containers any more that might start its containers again: such as a restart, or
/// an `up` that makes them anew. Until then the follower is pumped. False if a signal came meanwhile, which is not
/// taken.
[[nodiscard]] bool is_settled(const Context& context, const engine::Selection& selection, LogFollower& follower,
                              const Signals& signals);

}  // namespace berth::cli
