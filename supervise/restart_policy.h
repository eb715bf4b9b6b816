#pragma once

#include <optional>

#include "base/clock.h"
#include "engine/config.h"
#include "engine/state.h"

namespace berth::supervise {

/// Decides whether and when a container that ended starts again. Pure; what it has to remember is a value.
///
/// Docker's rules: pause 100 ms doubling up to a minute, reset once a run has lasted 10 s; `on-failure` counts only
/// non-zero exits; a stop by the user ends it all. Such a stop is handled by the caller. `delay` of a deploy section
/// makes all pauses alike, and its `window` says after how long a run was a good one.
class RestartPolicy {
 public:
  explicit RestartPolicy(const engine::RestartConfig& config, engine::RestartState state = {})
      : config_(config), state_(state) {}

  /// The pause before the next start, or nothing to leave it stopped. `unhealthy`: it was ended to be started again,
  /// whatever the policy says of its exit code.
  [[nodiscard]] std::optional<Duration> on_exit(int64_t exit_code, Duration ran_for, bool unhealthy = false);

  [[nodiscard]] engine::RestartState state() const { return state_; }

 private:
  [[nodiscard]] bool applies(int64_t exit_code) const;

  engine::RestartConfig config_;
  engine::RestartState state_;
};

}  // namespace berth::supervise
