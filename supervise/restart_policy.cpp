#include "supervise/restart_policy.h"

#include <algorithm>

namespace berth::supervise {
namespace {

using namespace std::chrono_literals;
constexpr Duration kFirst = 100ms, kLongest = 1min, kStable = 10s;

}  // namespace

bool RestartPolicy::applies(int64_t exit_code) const {
  if (config_.policy == "no" || config_.policy.empty()) return false;
  return config_.policy != "on-failure" || exit_code != 0;
}

std::optional<Duration> RestartPolicy::on_exit(int64_t exit_code, Duration ran_for, bool unhealthy) {
  if (ran_for >= kStable) state_.delay_ns = 0;
  Duration good_run(config_.window_ns.value_or(Duration(kStable).count()));
  if (good_run > Duration(0) && ran_for >= good_run) state_.attempts = 0;
  if (!unhealthy && !applies(exit_code)) return std::nullopt;
  if (config_.max_attempts > 0 && state_.attempts >= config_.max_attempts) return std::nullopt;
  ++state_.attempts;
  Duration grown = state_.delay_ns == 0 ? kFirst : std::min<Duration>(Duration(state_.delay_ns) * 2, kLongest);
  state_.delay_ns = config_.delay_ns.value_or(grown.count());
  return Duration(state_.delay_ns);
}

}  // namespace berth::supervise
