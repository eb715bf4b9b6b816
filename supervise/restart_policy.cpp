#include "supervise/restart_policy.h"

#include <algorithm>

namespace berth::supervise {
namespace {

using namespace std::chrono_literals;
constexpr Duration kFirst = 100ms, kLongest = 1min, kStable = 10s;

}  // namespace

std::optional<Duration> RestartPolicy::on_exit(int64_t exit_code, Duration ran_for) {
  if (config_.policy == "no" || config_.policy.empty()) return std::nullopt;
  if (ran_for >= kStable) {
    delay_ = Duration(0);
    attempts_ = 0;
  }
  if (config_.policy == "on-failure") {
    if (exit_code == 0) return std::nullopt;
    if (config_.max_attempts > 0 && attempts_ >= config_.max_attempts) return std::nullopt;
  }
  ++attempts_;
  delay_ = delay_ == Duration(0) ? kFirst : std::min(delay_ * 2, kLongest);
  return delay_;
}

}  // namespace berth::supervise
