#pragma once

#include <optional>

#include "base/clock.h"
#include "engine/config.h"

namespace berth::supervise {

/// Decides whether and when a container that ended starts again. Pure.
///
/// Docker's rules: pause 100 ms doubling up to a minute, reset once a run has lasted 10 s; `on-failure` counts only
/// non-zero exits, up to its maximum; a stop by the user ends it all. Such a stop is handled by the caller.
class RestartPolicy {
 public:
  explicit RestartPolicy(const engine::RestartConfig& config) : config_(config) {}

  /// The pause before the next start, or nothing to leave it stopped.
  [[nodiscard]] std::optional<Duration> on_exit(int64_t exit_code, Duration ran_for);

 private:
  engine::RestartConfig config_;
  Duration delay_{0};
  int64_t attempts_ = 0;
};

}  // namespace berth::supervise
