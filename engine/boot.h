#pragma once

// What comes back after a reboot by its restart policy.

#include "base/result.h"
#include "engine/state.h"

namespace berth::engine {

/// Notes below $BERTH_ROOT that the container has been started, since what is below $BERTH_RUN goes with the boot.
/// Nothing to do where its policy would not bring it back.
[[nodiscard]] berth::Status remember_start(const sys::Paths& paths, const ContainerRecord& record,
                                           const LiveState& live);

/// As Docker when its daemon starts: what was started once and is not running comes back with `always`, and with
/// `unless-stopped` if nobody had stopped it.
[[nodiscard]] bool comes_back(const Container& container);

}  // namespace berth::engine
