#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "engine/config.h"
#include "engine/state.h"

namespace berth::supervise {

/// Decides when a container is probed and what its health is. Pure: times come in, nothing waits here.
///
/// States as Docker's: starting until the first success; unhealthy after `retries` failures in a row outside the start
/// period; healthy after any success. While starting, the first probe runs at once and the pauses grow with the time
/// that has passed, from 5 ms up to the interval that the file asks for, so that readiness is seen when it comes and
/// not up to 30 s later (docs/decisions/0021-early-probes.md). Such early probes (sooner than a probe by the file's own
/// interval would have been) never count as failures.
class Health {
 public:
  Health(const engine::HealthConfig& config, bool strict);

  /// Nanoseconds from the end of the last probe (or the start of the container) to the next one.
  [[nodiscard]] Duration next_delay(Duration since_start) const;
  [[nodiscard]] Duration timeout() const;

  /// Takes the outcome of a probe that ended `since_start` after the container's start and lasted `took`. True if the
  /// state changed.
  bool on_probe(bool success, Duration since_start, Duration took = Duration(0));

  [[nodiscard]] const std::string& state() const { return state_; }
  [[nodiscard]] int64_t failing_streak() const { return failing_streak_; }
  /// Continues from what an earlier supervisor knew.
  void restore(const std::string& state, int64_t failing_streak);

 private:
  [[nodiscard]] bool in_start_period(Duration since_start) const;

  Duration interval_, timeout_, start_period_, start_interval_;
  int64_t retries_;
  bool strict_;
  std::string state_ = "starting";
  int64_t failing_streak_ = 0;
  std::optional<Duration> last_took_;  // nothing = there was no probe yet
  Duration last_counted_{0};           // when the last probe that counts ended
};

}  // namespace berth::supervise
